//! Wrong constants.

use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::language::Sorts;
use crate::syntax::{Role, Shape};

/// Most strings of the region offered in place of one.
const MAX_TEXTS: usize = 16;
/// Longest string whose slips are offered, in characters.
const MAX_TEXT: usize = 40;
/// Most variables offered in place of a constant.
const MAX_NAMES: usize = 12;

/// Literals.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let in_pattern = !site.is_value();
    if in_pattern {
        return;
    }
    match site.shape() {
        Shape::Integer => integer(site, out),
        Shape::Float => float(site, out),
        Shape::Boolean => boolean(site, out),
        Shape::Text => text(site, out),
        Shape::Null => null(site, out),
        _ => return,
    }
    variables(site, out);
}

fn integer(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let Ok(value) = site.text().replace('_', "").parse::<i64>() else { return };
    let negative = site.tree().parent_shape(site.id) == Some(Shape::Unary);
    let step = |new: i64| Features::none().when(Feature::IntegerUnit, (new - value).abs() == 1);
    for new in [value.saturating_add(1), value.saturating_sub(1)] {
        site.put(out, EditKind::IntegerStep, &site.integer(new), integer_features(site, new).or(step(new)));
    }
    let powers: &[i64] = match value {
        10.. => {
            &[value.saturating_mul(10), value / 10, value + 2, value - 2, value.saturating_mul(2), value / 2]
        }
        3..10 => &[value + 2, value - 2, value * 2],
        _ => &[],
    };
    let seen = site.region.ingredients.integers.iter();
    let mut offered = vec![value, value.saturating_add(1), value.saturating_sub(1)];
    for new in [0, 1, 2, -1, 3, 10].iter().chain(seen).chain(powers) {
        let is_pointless = offered.contains(new) || (negative && *new < 0);
        if !is_pointless {
            offered.push(*new);
            site.put(out, EditKind::IntegerReplace, &site.integer(*new), integer_features(site, *new));
        }
    }
    if !negative && value > 0 {
        site.put(out, EditKind::IntegerReplace, &site.integer(-value), integer_features(site, -value));
    }
}

/// What is known about an integer before it is written somewhere.
pub fn integer_features(site: &Site<'_, '_>, value: i64) -> Features {
    Features::none()
        .when(Feature::IntegerZero, value == 0)
        .when(Feature::IntegerOne, value == 1)
        .when(Feature::IntegerMinus, value < 0)
        .when(Feature::IntegerSeen, site.region.ingredients.integers.contains(&value))
}

fn float(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let Ok(value) = site.text().replace('_', "").parse::<f64>() else { return };
    let scaled = [value + 1.0, value - 1.0, 0.0, 1.0, 2.0, value * 10.0, value / 10.0, 0.5];
    let mut offered = vec![value];
    for new in scaled {
        if new.is_finite() && !offered.contains(&new) {
            offered.push(new);
            let level = if new < 0.0 { site.operators().sign } else { site.operators().primary };
            let fragment = crate::syntax::Fragment::new(format!("{new:?}"), level);
            let features = Features::none().when(Feature::IntegerUnit, (new - value).abs() == 1.0);
            site.put(out, EditKind::FloatReplace, &fragment, features);
        }
    }
    if value.fract() == 0.0 && value.abs() < 1e9 {
        site.put(out, EditKind::FloatReplace, &site.integer(value as i64), Features::none());
    }
}

fn boolean(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let (yes, no) = site.vocabulary().truth;
    let new = if site.text() == yes { no } else { yes };
    site.put(out, EditKind::BooleanFlip, &site.atom(new), Features::none());
}

fn text(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let content = literal_content(site.text());
    let known = site.region.ingredients.texts.iter().take(MAX_TEXTS);
    for new in known {
        let features = Features::none().when(Feature::IntegerSeen, true);
        site.put(out, EditKind::TextReplace, &site.atom(*new), features);
    }
    for new in text_variants(content) {
        site.put(out, EditKind::TextReplace, &site.atom(site.spelling().text(&new)), Features::none());
    }
}

/// Slips of strings: nothing or a space, another case, white space at the wrong end, a character too many, a
/// bracket or sign of the other direction.
pub fn text_variants(content: &str) -> Vec<String> {
    if content.chars().count() > MAX_TEXT || content.contains('\\') {
        return Vec::new();
    }
    let mut variants: Vec<String> = vec![String::new(), " ".to_owned()];
    variants.extend([
        content.to_lowercase(),
        content.to_uppercase(),
        capitalised(content),
        content.trim().to_owned(),
    ]);
    if let Some(rest) = content.strip_prefix(' ') {
        variants.push(format!("{rest} "));
    }
    if let Some(rest) = content.strip_suffix(' ') {
        variants.push(format!(" {rest}"));
    }
    let mut chars = content.chars();
    chars.next();
    variants.push(chars.as_str().to_owned());
    let mut chars = content.chars();
    chars.next_back();
    variants.push(chars.as_str().to_owned());
    variants.extend(mirrored(content));
    let letters = content.len() > 2 && content.chars().all(char::is_lowercase);
    variants.extend(letters.then(|| format!("{content}{}", content.to_uppercase())));
    let mut offered: Vec<String> = Vec::new();
    for variant in variants {
        if variant != content && !offered.contains(&variant) {
            offered.push(variant);
        }
    }
    offered
}

/// A one-character string with its counterparts.
fn mirrored(content: &str) -> Vec<String> {
    const PAIRS: &[(&str, &str)] = &[
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("<", ">"),
        ("(", "["),
        (")", "]"),
        ("+", "-"),
        ("/", "\\"),
        (",", ";"),
        (".", ","),
        ("_", "-"),
        (":", ";"),
        ("*", "/"),
    ];
    let other = |(one, two): &(&str, &str)| match content {
        _ if content == *one => Some((*two).to_owned()),
        _ if content == *two => Some((*one).to_owned()),
        _ => None,
    };
    PAIRS.iter().filter_map(other).collect()
}

/// What is between the quotes of a string literal.
fn literal_content(literal: &str) -> &str {
    let start = literal.find(['"', '\'']).unwrap_or(0);
    literal.get(start..).unwrap_or(literal).trim_matches(['"', '\''])
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn null(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    if site.tree().parent_shape(site.id) == Some(Shape::Comparison) {
        return;
    }
    let (yes, no) = site.vocabulary().truth;
    for (new, given) in site.vocabulary().empty {
        let features = site.sort_features(site.needed(), *given).when(Feature::LiteralEmpty, true);
        site.put(out, EditKind::NullReplace, &site.atom(*new), features);
    }
    for new in [no, yes] {
        let features = site.sort_features(site.needed(), Sorts::TRUTH).when(Feature::LiteralTruth, true);
        site.put(out, EditKind::NullReplace, &site.atom(new), features);
    }
}

fn variables(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let is_default = site.role() == Role::Default;
    let needed = match site.needed() {
        sorts if sorts == Sorts::NULL => Sorts::UNKNOWN,
        sorts => sorts,
    };
    for choice in site.names(needed, MAX_NAMES) {
        if !(is_default && choice.name.is_parameter) {
            site.put(out, EditKind::ConstantToVariable, &site.atom(choice.name.text), choice.features);
        }
    }
}
