package store_test

import (
	"testing"

	"kejitong/store/storetest"
)

func TestRacesOnSQLite(t *testing.T)   { storetest.Run(t, storetest.SQLite) }
func TestRacesOnPostgres(t *testing.T) { storetest.Run(t, storetest.Postgres) }
