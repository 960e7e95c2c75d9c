// Package document keeps the pictures that people hand in as evidence: a
// licence, the two sides of an ID card, an authorisation letter.
//
//	bytes ─▶ scanner ─▶ magic bytes ─▶ full decode ─▶ upright, ≤ 3000 px, on white ─▶ JPEG ─▶ sealed blob
//
// Nothing that was uploaded is ever given out again as it came. Whatever the
// bytes were beside a picture (S72: a second format, a script, a place where the
// photograph was taken) is gone with the decoding. Of a PDF only such pages are
// taken as are nothing but one JPEG; there is no renderer here, so all others
// are refused and the person is asked for photographs.
//
// At rest a document is one blob under a key of its own, in chunks that cannot
// be cut off, swapped or moved (STREAM). The key lies sealed in the document's
// row: once it is gone from there, no copy of the blob can be read (S77). File
// names are sealed with the pages and part of no path (S74).
//
// A document belongs to a case (of real-name verification, of an appeal), and is
// found by its case or its owner alone. When the case is decided, its documents
// can be neither added to nor read (S58, S75), and are erased some time later.
package document
