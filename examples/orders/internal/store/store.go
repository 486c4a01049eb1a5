// Package store keeps orders in memory.
package store

import (
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"example.com/acme/orders/internal/pricing"
)

// ErrNotFound is returned for an id that was never given out.
var ErrNotFound = errors.New("order not found")

// Item is one position of an order.
type Item struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}

// Order is an accepted order.
type Order struct {
	ID     string        `json:"id"`
	Placed time.Time     `json:"placed"`
	Items  []Item        `json:"items"`
	Total  pricing.Total `json:"total"`
}

// Store keeps orders; it is safe for use by several goroutines.
type Store struct {
	mu     sync.RWMutex
	orders map[string]Order
	now    func() time.Time
}

// New returns an empty store that takes the time from now.
func New(now func() time.Time) *Store {
	return &Store{orders: make(map[string]Order), now: now}
}

// Add accepts an order and gives it an id.
func (s *Store) Add(items []Item, total pricing.Total) Order {
	o := Order{ID: uuid.NewString(), Placed: s.now().UTC(), Items: items, Total: total}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders[o.ID] = o
	return o
}

// Get returns the order with this id, or ErrNotFound.
func (s *Store) Get(id string) (Order, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	o, ok := s.orders[id]
	if !ok {
		return Order{}, ErrNotFound
	}
	return o, nil
}

// Len is the number of orders.
func (s *Store) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.orders)
}
