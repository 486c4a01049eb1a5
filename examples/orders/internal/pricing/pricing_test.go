package pricing

import (
	"fmt"
	"testing"
)

func TestOf(t *testing.T) {
	tests := []struct {
		name  string
		lines []Line
		want  Total
	}{
		{"one tea pays shipping", []Line{{690, 1}}, Total{Goods: 690, Shipping: 490, Sum: 1180}},
		{"fifty ships free", []Line{{5000, 1}}, Total{Goods: 5000, Sum: 5000}},
		{"a cent less does not", []Line{{4999, 1}}, Total{Goods: 4999, Shipping: 490, Sum: 5489}},
		{"hundred is discounted", []Line{{5000, 2}}, Total{Goods: 10000, Discount: 500, Sum: 9500}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Of(tt.lines)
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestRefusesEmptyQuantity(t *testing.T) {
	if _, err := Of([]Line{{690, 0}}); err == nil {
		t.Error("want an error")
	}
}

func FuzzSumIsNeverNegative(f *testing.F) {
	f.Add(int64(690), int64(3))
	f.Fuzz(func(t *testing.T, cents, quantity int64) {
		if cents < 0 || cents > 1e9 || quantity < 1 || quantity > 1e6 {
			t.Skip()
		}
		total, err := Of([]Line{{cents, quantity}})
		if err != nil || total.Sum < 0 {
			t.Errorf("%d x %d: %+v, %v", quantity, cents, total, err)
		}
	})
}

func ExampleOf() {
	total, _ := Of([]Line{{Cents: 4900, Quantity: 1}, {Cents: 690, Quantity: 2}})
	fmt.Println(total.Sum)
	// Output: 6280
}
