module example.com/acme/orders

go 1.24

toolchain go1.26.8

require github.com/google/uuid v1.6.0
