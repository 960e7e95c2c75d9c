// Package mandate is 经办人: who may act for a unit, by whose word, in what and for
// how long.
//
// A unit, or somebody who rules for it, offers a verified person named actions of
// named systems until a day; the person confirms or declines; either side ends it
// at once. Nothing is allowed that was not named, nobody hands on what he was
// given, and nobody is given more than the unit itself holds. What is confirmed is
// a mandate and delegated entitlements (package entitlement), written with their
// audit rows in one transaction; what ends takes its tokens with it.
//
// An offer says nothing of whether somebody was found: one to nobody looks, costs
// and lapses like any other.
package mandate
