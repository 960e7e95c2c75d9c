package main

import (
	"fmt"

	"kejitong/provider/factor"
	"kejitong/provider/keys"
)

// secondFactors is what accounts and operators prove beside a password.
func (a *app) secondFactors() (*factor.Service, error) {
	name := a.cfg.Platform.NameZH
	if name == "" {
		name = "Kejitong"
	}
	party, err := factor.RelyingParty(a.cfg.Issuer, name)
	if err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	return &factor.Service{
		Store: a.db, Issuer: name, Passkeys: party, Key: a.ring.Snapshot().Current(keys.FactorMAC).Bytes, Now: a.clock,
	}, nil
}
