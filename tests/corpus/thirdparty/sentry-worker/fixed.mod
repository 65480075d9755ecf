module thirdparty

go 1.23

require github.com/getsentry/sentry-go v0.31.0

require (
	golang.org/x/sys v0.18.0 // indirect
	golang.org/x/text v0.14.0 // indirect
)
