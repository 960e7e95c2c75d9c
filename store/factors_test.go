package store_test

import (
	"testing"

	"kejitong/store/storetest"
)

func TestFactorRaces(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { storetest.RunFactors(t, storetest.SQLite) })
	t.Run("postgres", func(t *testing.T) { storetest.RunFactors(t, storetest.Postgres) })
}
