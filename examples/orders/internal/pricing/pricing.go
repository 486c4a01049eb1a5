// Package pricing computes what an order costs. Amounts are cents.
package pricing

import "fmt"

// Line is a number of pieces at a price.
type Line struct {
	Cents    int64
	Quantity int64
}

// Total is what an order costs.
type Total struct {
	Goods    int64 `json:"goods"`
	Discount int64 `json:"discount"`
	Shipping int64 `json:"shipping"`
	Sum      int64 `json:"sum"`
}

const (
	freeShippingFrom = 5000
	shipping         = 490
	discountFrom     = 10000
	discountPercent  = 5
)

// Of adds up the lines: five percent off from 100.00, free shipping from 50.00.
func Of(lines []Line) (Total, error) {
	var t Total
	for i, l := range lines {
		if l.Quantity < 1 {
			return Total{}, fmt.Errorf("line %d: quantity %d", i+1, l.Quantity)
		}
		t.Goods += l.Cents * l.Quantity
	}
	if t.Goods >= discountFrom {
		t.Discount = t.Goods * discountPercent / 100
	}
	if t.Goods-t.Discount < freeShippingFrom {
		t.Shipping = shipping
	}
	t.Sum = t.Goods - t.Discount + t.Shipping
	return t, nil
}
