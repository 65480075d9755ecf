module loadservice

go 1.21
