module thirdparty

go 1.23

require github.com/DataDog/datadog-go v3.2.0+incompatible
