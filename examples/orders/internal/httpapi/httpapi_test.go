package httpapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/acme/orders/internal/catalog"
	"example.com/acme/orders/internal/store"
)

func newAPI(t *testing.T) http.Handler {
	t.Helper()
	c, err := catalog.Read(strings.NewReader("tea,Tea,690\npot,Pot,4900\n"))
	if err != nil {
		t.Fatal(err)
	}
	api := &API{Version: "test", Catalog: c, Orders: store.New(time.Now)}
	return api.Handler()
}

func call(t *testing.T, h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func TestHealthAndVersion(t *testing.T) {
	h := newAPI(t)
	if got := call(t, h, "GET", "/healthz", ""); got.Code != http.StatusOK {
		t.Errorf("health: %d", got.Code)
	}
	if got := call(t, h, "GET", "/version", ""); !strings.Contains(got.Body.String(), `"test"`) {
		t.Errorf("version: %s", got.Body)
	}
}

func TestPlaceAndShow(t *testing.T) {
	h := newAPI(t)
	placed := call(t, h, "POST", "/orders", `[{"sku":"tea","quantity":2}]`)
	if placed.Code != http.StatusCreated {
		t.Fatalf("place: %d %s", placed.Code, placed.Body)
	}
	var order store.Order
	if err := json.Unmarshal(placed.Body.Bytes(), &order); err != nil {
		t.Fatal(err)
	}
	if order.Total.Sum != 1870 {
		t.Errorf("got %d cents, want 1870", order.Total.Sum)
	}
	if got := call(t, h, "GET", "/orders/"+order.ID, ""); got.Code != http.StatusOK {
		t.Errorf("show: %d", got.Code)
	}
}

func TestRefusals(t *testing.T) {
	h := newAPI(t)
	for _, tt := range []struct {
		name, body string
		want       int
	}{
		{"not JSON", `nope`, http.StatusBadRequest},
		{"empty", `[]`, http.StatusUnprocessableEntity},
		{"unknown product", `[{"sku":"gold","quantity":1}]`, http.StatusUnprocessableEntity},
		{"no quantity", `[{"sku":"tea"}]`, http.StatusUnprocessableEntity},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := call(t, h, "POST", "/orders", tt.body); got.Code != tt.want {
				t.Errorf("got %d %s, want %d", got.Code, got.Body, tt.want)
			}
		})
	}
	if got := call(t, h, "GET", "/orders/none", ""); got.Code != http.StatusNotFound {
		t.Errorf("unknown order: %d", got.Code)
	}
}
