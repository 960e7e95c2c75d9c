package config

import _ "embed"

// SystemsExample is config/systems.example.yaml, the catalogue that ships.
//
//go:embed systems.example.yaml
var SystemsExample []byte
