// Package catalog knows the products that can be ordered.
package catalog

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// ErrUnknown is returned for a SKU that is not in the catalog.
var ErrUnknown = errors.New("unknown product")

// Product is one line of the catalog.
type Product struct {
	SKU   string
	Name  string
	Cents int64
}

// Catalog maps SKUs to products.
type Catalog struct {
	bySKU map[string]Product
}

// Read parses a catalog in CSV form: sku,name,cents.
func Read(r io.Reader) (*Catalog, error) {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	c := &Catalog{bySKU: make(map[string]Product, len(rows))}
	for i, row := range rows {
		if len(row) != 3 {
			return nil, fmt.Errorf("catalog line %d: want 3 fields, got %d", i+1, len(row))
		}
		cents, err := strconv.ParseInt(row[2], 10, 64)
		if err != nil || cents < 0 {
			return nil, fmt.Errorf("catalog line %d: %q is not a price in cents", i+1, row[2])
		}
		if _, twice := c.bySKU[row[0]]; twice {
			return nil, fmt.Errorf("catalog line %d: %s stands twice", i+1, row[0])
		}
		c.bySKU[row[0]] = Product{SKU: row[0], Name: row[1], Cents: cents}
	}
	return c, nil
}

// Len is the number of products.
func (c *Catalog) Len() int { return len(c.bySKU) }

// Find returns the product with this SKU, or ErrUnknown.
func (c *Catalog) Find(sku string) (Product, error) {
	p, ok := c.bySKU[sku]
	if !ok {
		return Product{}, fmt.Errorf("%w: %q", ErrUnknown, sku)
	}
	return p, nil
}
