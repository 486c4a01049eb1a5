package main

import (
	"strings"
	"testing"

	"example.com/acme/orders/internal/catalog"
)

func TestTheEmbeddedCatalogIsReadable(t *testing.T) {
	c, err := catalog.Read(strings.NewReader(products))
	if err != nil || c.Len() == 0 {
		t.Errorf("got %d products, %v", c.Len(), err)
	}
}
