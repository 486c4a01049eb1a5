// Command orders takes orders over HTTP. It listens on $PORT (8080 when unset) and stops
// gracefully on SIGTERM.
package main

import (
	"context"
	_ "embed"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"example.com/acme/orders/internal/catalog"
	"example.com/acme/orders/internal/httpapi"
	"example.com/acme/orders/internal/store"
)

//go:embed products.csv
var products string

func main() {
	log := slog.New(slog.NewTextHandler(os.Stdout, nil))
	if err := run(log); err != nil {
		log.Error("orders stopped", "error", err)
		os.Exit(1)
	}
}

func run(log *slog.Logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	items, err := catalog.Read(strings.NewReader(products))
	if err != nil {
		return err
	}
	api := &httpapi.API{Version: version, Catalog: items, Orders: store.New(time.Now)}
	server := &http.Server{Handler: api.Handler(), ReadHeaderTimeout: 5 * time.Second}

	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(os.Getenv("HOST"), port))
	if err != nil {
		return err
	}
	log.Info("orders serves", "address", listener.Addr().String(), "version", version, "products", items.Len())

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("orders stops")
	grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
