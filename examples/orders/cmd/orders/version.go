package main

// version is what GET /version answers; each release sets it in its source.
const version = "1.0.0"
