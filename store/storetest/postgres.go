package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"
)

// server gives the DSN of the server that this process tests on; the first
// call may start it.
var server = sync.OnceValues(func() (string, error) {
	if dsn := os.Getenv("KEJITONG_TEST_POSTGRES"); dsn != "" {
		return dsn, nil
	}
	return startCluster()
})

// newDatabase makes a copy of the template and gives its DSN; t drops it.
func newDatabase(t testing.TB, template string) string {
	t.Helper()
	dsn, err := server()
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v (set KEJITONG_TEST_POSTGRES to a server's DSN or install one)", err)
	}
	b := make([]byte, 8)
	if _, err := rand.Read(b); err != nil {
		t.Fatalf("random: %v", err)
	}
	name := "kejitong_test_" + hex.EncodeToString(b)
	if err := administer(dsn, "CREATE DATABASE "+pq.QuoteIdentifier(name)+" TEMPLATE "+pq.QuoteIdentifier(template)); err != nil {
		t.Fatalf("make a database: %v", err)
	}
	t.Cleanup(func() {
		if err := administer(dsn, "DROP DATABASE "+pq.QuoteIdentifier(name)+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the database: %v", err)
		}
	})
	mine, err := withDatabase(dsn, name)
	if err != nil {
		t.Fatalf("DSN: %v", err)
	}
	return mine
}

func administer(dsn, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// withDatabase replaces the database of a DSN.
func withDatabase(dsn, name string) (string, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return dsn + " dbname='" + name + "'", nil // of repeated keywords the last one holds
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("KEJITONG_TEST_POSTGRES is no URL")
	}
	u.Path = "/" + name
	return u.String(), nil
}
