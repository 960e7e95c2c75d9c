package main

import (
	"kejitong/provider/account"
	"kejitong/provider/entitlement"
)

// demoMandate says who may act for which unit in what, as seedPeople has it
// (TestDemoMandates).
type demoMandate struct {
	Username     string               `json:"username"`
	USCC         account.USCC         `json:"uscc"`
	Relation     entitlement.Relation `json:"relation"`
	Source       entitlement.Source   `json:"source"`
	Entitlements []string             `json:"entitlements"`
}

func demoMandates() []demoMandate {
	return []demoMandate{
		{"wangwu", demoUSCC, entitlement.Handler, entitlement.TorchMigration, []string{"hightech_enterprise:apply", "tech_sme:apply"}},
		{"liuliu", demoUSCC, entitlement.Handler, entitlement.Delegated, []string{"hightech_enterprise:apply"}},
		{"liuliu", "91110000MA00000077", entitlement.Handler, entitlement.Delegated, []string{"hightech_enterprise:apply", "tech_sme:apply"}},
	}
}
