package client

import (
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// dn is a distinguished name in the order of RFC 4514, the reverse of the
// certificate's: each element one relative name of one or more attributes,
// sorted.
type dn [][]attribute

// attribute is one type and value. Values of text are brought into the form in
// which LDAP compares them (RFC 4517 §4.2.11, caseIgnoreMatch); others are
// "#" and their encoding in hexadecimal.
type attribute struct{ oid, value string }

// attributeTypes: RFC 4514 §3 and RFC 4519 §2, and what certificates use
// besides. Names know no case.
var attributeTypes = map[string]string{
	"CN": "2.5.4.3", "SN": "2.5.4.4", "SERIALNUMBER": "2.5.4.5", "C": "2.5.4.6", "L": "2.5.4.7", "ST": "2.5.4.8", "STREET": "2.5.4.9",
	"O": "2.5.4.10", "OU": "2.5.4.11", "TITLE": "2.5.4.12", "POSTALCODE": "2.5.4.17", "GIVENNAME": "2.5.4.42", "ORGANIZATIONIDENTIFIER": "2.5.4.97",
	"DC": "0.9.2342.19200300.100.1.25", "UID": "0.9.2342.19200300.100.1.1", "EMAILADDRESS": "1.2.840.113549.1.9.1", "E": "1.2.840.113549.1.9.1",
	"BUSINESSCATEGORY": "2.5.4.15", "JURISDICTIONCOUNTRYNAME": "1.3.6.1.4.1.311.60.2.1.3",
}

var errDN = errors.New("client: not a distinguished name (RFC 4514)")

func (a dn) equal(b dn) bool {
	return slices.EqualFunc(a, b, func(x, y []attribute) bool { return slices.Equal(x, y) })
}

// parseDN reads the string form (RFC 4514 §3).
func parseDN(s string) (dn, error) {
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		return nil, errDN
	}
	var out dn
	for s != "" {
		var relative []attribute
		for {
			var a attribute
			var end byte
			var err error
			if a, end, s, err = nextAttribute(s); err != nil {
				return nil, err
			}
			relative = append(relative, a)
			if end == '+' {
				continue
			}
			if end == ',' && s == "" { // a comma with nothing behind it
				return nil, errDN
			}
			break
		}
		out = append(out, sorted(relative))
	}
	return out, nil
}

// nextAttribute reads one type=value and gives what ended it: ',', '+', or 0 at
// the end of the text.
func nextAttribute(s string) (a attribute, end byte, rest string, err error) {
	name, rest, ok := strings.Cut(s, "=")
	name = strings.TrimSpace(name) // RFC 4514 §2.4 writes none; many write one behind the comma
	if !ok || name == "" {
		return a, 0, "", errDN
	}
	if a.oid = attributeTypes[strings.ToUpper(name)]; a.oid == "" {
		if a.oid = strings.TrimPrefix(name, "OID."); !isOID(a.oid) {
			return a, 0, "", errDN
		}
	}
	rest = strings.TrimLeft(rest, " ")
	if strings.HasPrefix(rest, "#") {
		i := strings.IndexAny(rest, ",+")
		if i < 0 {
			i = len(rest)
		} else {
			end = rest[i]
		}
		der, err := hex.DecodeString(strings.TrimRight(rest[1:i], " "))
		if err != nil || len(der) == 0 {
			return a, 0, "", errDN
		}
		if a.value, err = valueOf(der); err != nil {
			return a, 0, "", err
		}
		return a, end, strings.TrimPrefix(rest[i:], string(end)), nil
	}
	value, i := []byte{}, 0
	for ; i < len(rest); i++ {
		c := rest[i]
		if c == ',' || c == '+' {
			end = c
			break
		}
		if strings.IndexByte("\";<>", c) >= 0 { // §3: these stand escaped
			return a, 0, "", errDN
		}
		if c != '\\' {
			value = append(value, c)
			continue
		}
		if i+1 >= len(rest) {
			return a, 0, "", errDN
		}
		if strings.IndexByte(" \"#+,;<=>\\", rest[i+1]) >= 0 {
			value = append(value, rest[i+1])
			i++
			continue
		}
		if i+2 >= len(rest) {
			return a, 0, "", errDN
		}
		b, err := strconv.ParseUint(rest[i+1:i+3], 16, 8)
		if err != nil {
			return a, 0, "", errDN
		}
		value = append(value, byte(b))
		i += 2
	}
	if a.value = prepared(string(value)); !utf8.Valid(value) {
		return a, 0, "", errDN
	}
	rest = rest[i:]
	if end != 0 {
		rest = rest[1:]
	}
	return a, end, rest, nil
}

func isOID(s string) bool {
	arcs := strings.Split(s, ".")
	for _, arc := range arcs {
		if _, err := strconv.ParseUint(arc, 10, 32); err != nil || len(arc) > 1 && arc[0] == '0' {
			return false
		}
	}
	return len(arcs) > 1
}

// readDN reads the subject of a certificate (RFC 5280 §4.1.2.4). What is not
// understood is an error, never left out.
func readDN(der []byte) (dn, error) {
	type pair struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	type relativeSET []pair // the name tells encoding/asn1 that it is a SET
	var sequence []relativeSET
	if rest, err := asn1.Unmarshal(der, &sequence); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: subject of the certificate", errDN)
	}
	out := make(dn, 0, len(sequence))
	for _, set := range slices.Backward(sequence) { // RFC 4514 §2.1: the last comes first
		var relative []attribute
		for _, p := range set {
			v, err := valueOf(p.Value.FullBytes)
			if err != nil {
				return nil, err
			}
			relative = append(relative, attribute{p.Type.String(), v})
		}
		out = append(out, sorted(relative))
	}
	return out, nil
}

// valueOf gives the comparable form of an encoded value.
func valueOf(der []byte) (string, error) {
	var raw asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &raw); err != nil || len(rest) > 0 {
		return "", errDN
	}
	switch raw.Tag {
	case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, asn1.TagT61String, asn1.TagBMPString, asn1.TagNumericString:
		var text string
		if _, err := asn1.Unmarshal(der, &text); err != nil {
			return "", errDN
		}
		return prepared(text), nil
	}
	return "#" + hex.EncodeToString(der), nil
}

// prepared folds case and the blanks that say nothing (RFC 4518 §2.2, §2.6.1).
func prepared(s string) string {
	return strings.ToLower(strings.Join(strings.Fields(s), " "))
}

func sorted(list []attribute) []attribute {
	slices.SortFunc(list, func(a, b attribute) int { return strings.Compare(a.oid+"="+a.value, b.oid+"="+b.value) })
	return list
}
