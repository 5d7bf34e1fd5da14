//! Rules by which rights might combine. No public source tells which one Devolutions Cloud follows,
//! so a plan must hold under all of them.
//!
//! Why these eight: a rule has to say *which* assignments on the path count (all of them, those on
//! the nearest level, or each principal's own nearest one) and *how* those are combined (whatever
//! any of them grants, or only what all of them grant). That makes six. The other two are what no
//! such pair can express: an assignment that counts only together with one on another level, and one
//! that denies. Under each, an equal second assignment changes nothing and a principal without an
//! assignment on the path counts for nothing.

use std::collections::BTreeSet;

/// A set of rights, one bit for each.
pub type Rights = u8;

/// What one principal is assigned on a path, the root first: all vaults, the vault, and from there
/// on folders and entries.
pub type Line = [Option<Rights>];

/// What a member of all the principals may do at the end of the path.
pub type Formula = fn(&[&Line]) -> Rights;

/// The eight rules.
pub const RULES: [(&str, Formula); 8] = [
    ("union", union),
    ("most restrictive", most_restrictive),
    ("nearest level, then union", nearest_level_then_union),
    ("nearest level, then most restrictive", nearest_level_then_most_restrictive),
    ("nearest per principal, then union", nearest_per_principal_then_union),
    ("nearest per principal, then most restrictive", nearest_per_principal_then_most_restrictive),
    ("both levels needed", both_levels_needed),
    ("nearest per principal, an empty one denies", empty_denies),
];

/// All that any assignment on the path grants.
fn union(lines: &[&Line]) -> Rights {
    any(everything(lines))
}

/// Only what every assignment on the path grants.
fn most_restrictive(lines: &[&Line]) -> Rights {
    all(everything(lines))
}

/// All that any assignment grants on the deepest level that has one.
fn nearest_level_then_union(lines: &[&Line]) -> Rights {
    any(nearest_level(lines))
}

/// Only what every assignment grants on the deepest level that has one.
fn nearest_level_then_most_restrictive(lines: &[&Line]) -> Rights {
    all(nearest_level(lines))
}

/// All that any principal's own deepest assignment grants.
fn nearest_per_principal_then_union(lines: &[&Line]) -> Rights {
    any(nearest_of_each(lines))
}

/// Only what every principal's own deepest assignment grants.
fn nearest_per_principal_then_most_restrictive(lines: &[&Line]) -> Rights {
    all(nearest_of_each(lines))
}

/// All that any principal's own deepest assignment grants; one on a folder or entry counts only for
/// a principal that is also named on the vault or on all vaults.
fn both_levels_needed(lines: &[&Line]) -> Rights {
    let opened = |line: &&&Line| line.iter().take(2).any(Option::is_some);
    any(lines.iter().filter(opened).filter_map(|line| nearest(line)))
}

/// All that any principal's own deepest assignment grants, unless one of these grants no right at
/// all: that one shuts the door.
fn empty_denies(lines: &[&Line]) -> Rights {
    if nearest_of_each(lines).any(|rights| rights == 0) { 0 } else { any(nearest_of_each(lines)) }
}

/// Two rules that break the premise: an equal second assignment does change something.
pub const BEYOND: [(&str, Formula); 2] =
    [("a chain for each principal, then union", chain_per_principal), ("as many votes as principals", votes)];

/// What all of a principal's assignments on the path grant together; then all that any principal has
/// that way. One that is named on a single level only is less restricted than one named on two.
fn chain_per_principal(lines: &[&Line]) -> Rights {
    any(lines.iter().filter(|line| line.iter().any(Option::is_some)).map(|line| all(line.iter().copied().flatten())))
}

/// A right needs more principals whose own deepest assignment grants it than withhold it.
fn votes(lines: &[&Line]) -> Rights {
    let ballots: Vec<Rights> = nearest_of_each(lines).collect();
    let won = |right: Rights| 2 * ballots.iter().filter(|b| **b & right != 0).count() > ballots.len();
    [1, 2].into_iter().filter(|right| won(*right)).sum()
}

fn any(rights: impl Iterator<Item = Rights>) -> Rights {
    rights.fold(0, |sum, it| sum | it)
}

fn all(rights: impl Iterator<Item = Rights>) -> Rights {
    rights.reduce(|both, it| both & it).unwrap_or(0)
}

fn everything<'a>(lines: &'a [&Line]) -> impl Iterator<Item = Rights> + 'a {
    lines.iter().flat_map(|line| line.iter().copied().flatten())
}

fn nearest_level<'a>(lines: &'a [&Line]) -> impl Iterator<Item = Rights> + 'a {
    let deepest = lines.iter().filter_map(|line| line.iter().rposition(Option::is_some)).max();
    lines.iter().filter_map(move |line| line[deepest?])
}

fn nearest(line: &Line) -> Option<Rights> {
    line.iter().rev().copied().flatten().next()
}

fn nearest_of_each<'a>(lines: &'a [&Line]) -> impl Iterator<Item = Rights> + 'a {
    lines.iter().filter_map(|line| nearest(line))
}

/// Every way to assign nothing or one of `values` on `levels` levels.
pub fn every_line(levels: usize, values: &[Rights]) -> Vec<Vec<Option<Rights>>> {
    let choices: Vec<Option<Rights>> = std::iter::once(None).chain(values.iter().copied().map(Some)).collect();
    (0..levels).fold(vec![Vec::new()], |lines, _| {
        lines.iter().flat_map(|line| choices.iter().map(|it| [line.as_slice(), &[*it]].concat())).collect()
    })
}

#[test]
fn the_rules_differ_and_do_what_their_names_say() {
    type Three = [Option<Rights>; 3];
    // Rows: the lines of two principals. Columns: the rules in their order.
    let (x, y, both, none) = (Some(1), Some(2), Some(3), Some(0));
    let rows: [(Three, Three, [Rights; 8]); 6] = [
        ([None, None, None], [None, None, None], [0, 0, 0, 0, 0, 0, 0, 0]),
        ([x, None, y], [None, None, None], [3, 0, 2, 2, 2, 2, 2, 2]),
        ([None, x, None], [None, None, both], [3, 1, 3, 3, 3, 1, 1, 3]),
        ([None, both, None], [None, both, x], [3, 1, 1, 1, 3, 1, 3, 3]),
        ([None, both, None], [None, none, None], [3, 0, 3, 0, 3, 0, 3, 0]),
        ([None, None, x], [None, None, y], [3, 0, 3, 0, 3, 0, 0, 3]),
    ];
    for (one, two, expected) in rows {
        let found = RULES.map(|(_, formula)| formula(&[&one, &two]));
        assert_eq!(found, expected, "{one:?} {two:?}");
    }
    let columns: BTreeSet<Vec<Rights>> = (0..8).map(|rule| rows.iter().map(|row| row.2[rule]).collect()).collect();
    assert_eq!(columns.len(), 8, "each rule says something that no other says");
}
