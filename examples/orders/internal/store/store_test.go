package store

import (
	"errors"
	"sync"
	"testing"
	"time"

	"example.com/acme/orders/internal/pricing"
)

func at() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) }

func TestAddAndGet(t *testing.T) {
	s := New(at)
	o := s.Add([]Item{{"tea-green", 2}}, pricing.Total{Sum: 1870})
	got, err := s.Get(o.ID)
	if err != nil || got.Total.Sum != 1870 || !got.Placed.Equal(at()) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestGetOfAnUnknownOrder(t *testing.T) {
	if _, err := New(at).Get("nope"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func TestManyAtOnce(t *testing.T) {
	s := New(at)
	var wg sync.WaitGroup
	for range 100 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s.Add(nil, pricing.Total{})
		}()
	}
	wg.Wait()
	if s.Len() != 100 {
		t.Errorf("got %d orders, want 100", s.Len())
	}
}
