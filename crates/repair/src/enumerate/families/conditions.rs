//! Conditions: negated, strengthened, weakened, replaced, constant.

use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::language::Sorts;
use crate::syntax::{Fragment, Role, Shape};

/// Most variables that conditions are made up from.
const MAX_NAMES: usize = 8;
/// Most variables compared with each other, and most functions asked.
const MAX_PAIRED: usize = 4;
const MAX_FUNCTIONS: usize = 3;

/// Conditions and their operands.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    if !site.is_condition() || site.shape() == Shape::Parenthesised {
        return;
    }
    negate(site, out);
    extend(site, out);
    replace(site, out);
    constant(site, out);
}

fn negate(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    if site.shape() != Shape::Not && site.tree().parent_shape(site.id) != Some(Shape::Not) {
        site.put(out, EditKind::ConditionNegate, &site.negated(site.id), Features::none());
    }
}

/// A condition that could be tested at a site.
pub struct Test {
    /// The condition.
    pub fragment: Fragment,
    /// What is known about testing it there.
    pub features: Features,
}

/// Conditions of the region, then simple ones made up from variables: their truth, presence and sign.
pub fn tests(site: &Site<'_, '_>, limit: usize) -> Vec<Test> {
    let ingredients = &site.region.ingredients;
    let of_region = ingredients.conditions.iter().map(|condition| {
        let lines: Vec<u32> = condition.line.into_iter().collect();
        let features = site.code_features(&condition.names, &lines).when(Feature::Familiar, true);
        Test { fragment: condition.fragment.clone(), features }
    });
    let mut tests: Vec<Test> = of_region.collect();
    for choice in site.names(Sorts::UNKNOWN, limit) {
        for (fragment, sorts) in of_variable(site, choice.name.text) {
            let features = choice.features.or(site.sort_features(sorts, choice.sorts));
            tests.push(Test { fragment, features });
        }
    }
    tests.extend(of_pairs(site));
    tests.extend(of_functions(site));
    tests
}

/// Comparisons of two variables of the same sort.
fn of_pairs(site: &Site<'_, '_>) -> Vec<Test> {
    let choices = site.names(Sorts::UNKNOWN, MAX_PAIRED);
    let (equal, unequal) = site.operators().equality;
    let mut found = Vec::new();
    for (index, left) in choices.iter().enumerate() {
        for right in choices.iter().skip(index + 1) {
            if left.sorts.clashes(right.sorts) {
                continue;
            }
            let ordered = left.sorts.meets(Sorts::NUMBER) && right.sorts.meets(Sorts::NUMBER);
            let operators: &[&str] =
                if ordered { &[equal, unequal, "<", "<=", ">", ">="] } else { &[equal, unequal] };
            for operator in operators {
                let fragment = site.binary(&site.atom(left.name.text), operator, &site.atom(right.name.text));
                let features = left.features.or(right.features).when(Feature::SortMatch, ordered);
                found.push(Test { fragment, features });
            }
        }
    }
    found
}

/// Functions of the file that take one argument, called with a variable.
fn of_functions(site: &Site<'_, '_>) -> Vec<Test> {
    let takes_one = |names: &Vec<&str>| names.len() == 1;
    let functions = site.region.ingredients.callees.iter();
    let functions =
        functions.filter(|known| known.parameters.as_ref().is_some_and(takes_one)).take(MAX_FUNCTIONS);
    let choices = site.names(Sorts::UNKNOWN, MAX_PAIRED);
    let mut found = Vec::new();
    for known in functions {
        for choice in &choices {
            let fragment = site.atom(format!("{}({})", known.name, choice.name.text));
            found.push(Test { fragment, features: choice.features.when(Feature::Calls, true) });
        }
    }
    found
}

/// Conditions about one variable with the sort it needs.
fn of_variable(site: &Site<'_, '_>, name: &str) -> Vec<(Fragment, Sorts)> {
    let (operators, spelling) = (site.operators(), site.spelling());
    let comparison = operators.level("==");
    let (equal, _) = operators.equality;
    let number = |operator: &str, value: i64| {
        (Fragment::new(format!("{name} {operator} {value}"), comparison), Sorts::NUMBER)
    };
    vec![
        (site.atom(name), Sorts::UNKNOWN),
        (Fragment::new(format!("{}{name}", operators.not), operators.negation), Sorts::UNKNOWN),
        (Fragment::new(spelling.is_null(name), comparison), Sorts::OBJECT),
        (Fragment::new(spelling.is_not_null(name), comparison), Sorts::OBJECT),
        number(equal, 0),
        number(">", 0),
        number("<", 0),
        number(">=", 0),
        number(equal, 1),
        number(">", 1),
    ]
}

/// `old and new`, `old or new`, and the same the other way round: a guard has to come first.
fn extend(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let operators = site.operators();
    let own = site.fragment();
    let is_part = site.tree().parent_shape(site.id) == Some(Shape::Logical);
    let parent = site.tree().parent(site.id);
    let around = parent.filter(|_| is_part).map_or("", |id| site.language().operator(site.tree(), id));
    for test in tests(site, MAX_NAMES) {
        if test.fragment == own {
            continue;
        }
        for operator in [operators.and, operators.or] {
            // Within `a and b` a further `and` is the business of the whole.
            if operator == around {
                continue;
            }
            let (after, before) =
                (site.binary(&own, operator, &test.fragment), site.binary(&test.fragment, operator, &own));
            site.put(out, EditKind::ConditionExtend, &after, test.features.when(Feature::Last, true));
            site.put(out, EditKind::ConditionExtend, &before, test.features.when(Feature::First, true));
        }
    }
}

fn replace(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    for test in tests(site, MAX_NAMES) {
        site.put(out, EditKind::ConditionReplace, &test.fragment, test.features);
    }
}

fn constant(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let decides = site.tested_role() == Role::Condition
        && matches!(site.tree().parent_shape(site.id), Some(Shape::If | Shape::ElseIf | Shape::While));
    if decides && site.shape() != Shape::Boolean {
        let (yes, no) = site.vocabulary().truth;
        site.put(
            out,
            EditKind::ConditionConstant,
            &site.atom(yes),
            Features::none().when(Feature::First, true),
        );
        site.put(
            out,
            EditKind::ConditionConstant,
            &site.atom(no),
            Features::none().when(Feature::Last, true),
        );
    }
}
