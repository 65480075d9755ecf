module thirdparty

go 1.23

require github.com/allegro/bigcache v1.1.0
