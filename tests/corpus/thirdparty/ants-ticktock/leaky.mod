module thirdparty

go 1.23

require github.com/panjf2000/ants/v2 v2.7.0
