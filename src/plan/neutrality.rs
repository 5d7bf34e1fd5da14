//! The proof that a plan changes nobody's access at any instant.
//!
//! # Theorem
//!
//! Two groups have the same members. Let `view(p)` be what such a member gets through the two at
//! place `p`: from each group the assignment nearest to `p` on the path from `p` to the root, if it
//! has one there. Start where no view holds two different permissions. Copy all of the giver's
//! assignments to the taker *from the leaf to the root*, then revoke them from the giver *from the
//! root to the leaf*. Then no step changes the set of permissions in any view.
//!
//! *Grants.* Granting at `o` moves the taker's nearest assignment only for places `p` at or below
//! `o` with no assignment of the taker's in between. All of the giver's assignments below `o` are
//! the taker's already, so none of them is in between either: the giver's nearest one seen from `p`
//! is the one at `o`, and the view gains a permission that it holds.
//!
//! *Revokes.* Revoking at `o` leaves the giver with nothing above `o`, so it matters only to places
//! `p` whose nearest assignment of the giver's is the one at `o`. The taker holds all that the giver
//! ever held, and the giver still holds everything below `o`; so the taker's nearest one seen from
//! `p` is that at `o` or one that says the same. The view loses a permission that it still holds.
//!
//! At every single place, too, a second equal assignment comes before the first one goes. Hence
//! the theorem holds under *any* rule by which rights combine, as long as a second equal assignment
//! changes nothing and a principal without an assignment on the path counts for nothing. That both
//! are so in Devolutions Cloud is inferred: no public source tells how rights combine.
//!
//! In the opposite order a grant at the root is seen at a leaf beside the giver's different leaf
//! assignment; `tests/neutrality.rs` counts in how many worlds that changes somebody's access.
//!
//! [`prove`] does not trust the theorem: it walks a finished plan step by step.

use std::collections::{BTreeMap, BTreeSet};

use crate::devolutions::{Permission, Place};

/// What one group holds.
pub type Held = BTreeMap<Place, Permission>;

/// Places and the places above each, the root first.
pub type Paths = BTreeMap<Place, Vec<Place>>;

/// One assignment that comes or goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change<'a> {
    /// The taker gets this permission at this place.
    Grant(&'a Place, &'a Permission),
    /// The giver loses what it holds at this place.
    Revoke(&'a Place),
}

/// A place at which somebody's access would change, or already depends on how rights combine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Counterexample {
    /// The place whose access is meant.
    pub seen_from: Place,
    /// Where the giver's assignment stands that counts there.
    pub giver: Option<Place>,
    /// Where the taker's assignment stands that counts there.
    pub taker: Option<Place>,
    /// The step of the plan, counted from 0; none where the start is at fault.
    pub step: Option<usize>,
}

/// Every place at which the two groups say different things before any step is done.
#[must_use]
pub fn conflicts(paths: &Paths, giver: &Held, taker: &Held) -> Vec<Counterexample> {
    places(giver, taker)
        .into_iter()
        .filter_map(|place| {
            let g = nearest(paths, giver, &place)?;
            let t = nearest(paths, taker, &place)?;
            (giver.get(&g) != taker.get(&t)).then_some(Counterexample {
                seen_from: place,
                giver: Some(g),
                taker: Some(t),
                step: None,
            })
        })
        .collect()
}

/// Walks the plan and compares, after each step, the view at every place that it touches.
pub fn prove(paths: &Paths, giver: &Held, taker: &Held, steps: &[Change<'_>]) -> Result<(), Counterexample> {
    let mut giver = giver.clone();
    let mut taker = taker.clone();
    let mut all = places(&giver, &taker);
    all.extend(steps.iter().map(|step| match step {
        Change::Grant(place, _) | Change::Revoke(place) => **place,
    }));
    let mut below: BTreeMap<Place, Vec<Place>> = BTreeMap::new();
    for place in &all {
        below.entry(*place).or_default().push(*place);
        for above in paths.get(place).into_iter().flatten() {
            below.entry(*above).or_default().push(*place);
        }
    }
    for (index, step) in steps.iter().enumerate() {
        let (Change::Grant(touched, _) | Change::Revoke(touched)) = step;
        let affected = below.get(touched).map(Vec::as_slice).unwrap_or_default();
        let before: Vec<Vec<Permission>> = affected.iter().map(|p| view(paths, &giver, &taker, p)).collect();
        match step {
            Change::Grant(place, permission) => {
                taker.insert(**place, (*permission).clone());
            }
            Change::Revoke(place) => {
                giver.remove(place);
            }
        }
        for (place, before) in affected.iter().zip(before) {
            let after = view(paths, &giver, &taker, place);
            let same = before.iter().all(|p| after.contains(p)) && after.iter().all(|p| before.contains(p));
            if !same {
                return Err(Counterexample {
                    seen_from: *place,
                    giver: nearest(paths, &giver, place),
                    taker: nearest(paths, &taker, place),
                    step: Some(index),
                });
            }
        }
    }
    Ok(())
}

fn places(giver: &Held, taker: &Held) -> BTreeSet<Place> {
    giver.keys().chain(taker.keys()).copied().collect()
}

/// Where the assignment stands that is nearest to `place`, on it or above it.
fn nearest(paths: &Paths, held: &Held, place: &Place) -> Option<Place> {
    if held.contains_key(place) {
        return Some(*place);
    }
    paths.get(place)?.iter().rev().find(|above| held.contains_key(above)).copied()
}

fn view(paths: &Paths, giver: &Held, taker: &Held, place: &Place) -> Vec<Permission> {
    [giver, taker]
        .into_iter()
        .filter_map(|held| nearest(paths, held, place).and_then(|at| held.get(&at)).cloned())
        .collect()
}
