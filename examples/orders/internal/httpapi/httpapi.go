// Package httpapi serves orders over HTTP.
package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"

	"example.com/acme/orders/internal/catalog"
	"example.com/acme/orders/internal/pricing"
	"example.com/acme/orders/internal/store"
)

// API is the HTTP face of the service.
type API struct {
	Version string
	Catalog *catalog.Catalog
	Orders  *store.Store
}

// Handler routes the requests.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", a.health)
	mux.HandleFunc("GET /version", a.version)
	mux.HandleFunc("POST /orders", a.place)
	mux.HandleFunc("GET /orders/{id}", a.show)
	return mux
}

func (a *API) health(w http.ResponseWriter, _ *http.Request) {
	if a.Catalog.Len() == 0 {
		reply(w, http.StatusServiceUnavailable, map[string]string{"status": "empty catalog"})
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (a *API) version(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]string{"version": a.Version})
}

func (a *API) place(w http.ResponseWriter, r *http.Request) {
	var items []store.Item
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&items); err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	lines := make([]pricing.Line, 0, len(items))
	for _, item := range items {
		product, err := a.Catalog.Find(item.SKU)
		if err != nil {
			fail(w, http.StatusUnprocessableEntity, err)
			return
		}
		lines = append(lines, pricing.Line{Cents: product.Cents, Quantity: item.Quantity})
	}
	if len(lines) == 0 {
		fail(w, http.StatusUnprocessableEntity, errors.New("the order is empty"))
		return
	}
	total, err := pricing.Of(lines)
	if err != nil {
		fail(w, http.StatusUnprocessableEntity, err)
		return
	}
	reply(w, http.StatusCreated, a.Orders.Add(items, total))
}

func (a *API) show(w http.ResponseWriter, r *http.Request) {
	order, err := a.Orders.Get(r.PathValue("id"))
	if err != nil {
		fail(w, http.StatusNotFound, err)
		return
	}
	reply(w, http.StatusOK, order)
}

func fail(w http.ResponseWriter, status int, err error) {
	reply(w, status, map[string]string{"error": err.Error()})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The status is sent: an error here is a client that went away.
	_ = json.NewEncoder(w).Encode(body)
}
