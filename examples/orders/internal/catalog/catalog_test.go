package catalog

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// Reads a file of the module, so its result is cached only as long as that file stays the same.
func TestReadsTheCatalogFile(t *testing.T) {
	f, err := os.Open("testdata/products.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := Read(f)
	if err != nil {
		t.Fatal(err)
	}
	if c.Len() != 4 {
		t.Errorf("got %d products, want 4", c.Len())
	}
	pot, err := c.Find("pot-iron")
	if err != nil || pot.Cents != 4900 {
		t.Errorf("got %+v, %v; want 4900 cents", pot, err)
	}
}

func TestRefusesBadLines(t *testing.T) {
	for name, text := range map[string]string{
		"no price":      "a,b,free\n",
		"negative":      "a,b,-1\n",
		"twice":         "a,b,1\na,c,2\n",
		"missing field": "a,b\n",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Read(strings.NewReader(text)); err == nil {
				t.Error("want an error")
			}
		})
	}
}

func TestUnknownProduct(t *testing.T) {
	c, err := Read(strings.NewReader("a,b,1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Find("z"); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
}
