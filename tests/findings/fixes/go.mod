module fixes

go 1.24
