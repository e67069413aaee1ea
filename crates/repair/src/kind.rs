//! The kinds of edit: what a rewrite does to the code. The ranking gives each kind a weight by its name.
//!
//! The families are those of mutation testing (mutmut, cosmic-ray), of template repair (PAR, TBar, GenProg's
//! ingredient reuse), of learned bug detection (BugLab) and of the single-statement bug catalogues
//! (ManySStuBs4J, PySStuBs).

use serde::{Deserialize, Serialize};

/// Declares [`EditKind`] with one row per kind: variant, stable name, tier, description.
macro_rules! edit_kinds {
    ($($variant:ident $name:literal $tier:literal $description:literal)*) => {
        /// What an edit does; the serialised form is the stable name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum EditKind {
            $(#[doc = $description] #[serde(rename = $name)] $variant,)*
        }

        impl EditKind {
            /// Every kind, in declaration order.
            pub const ALL: &'static [EditKind] = &[$(EditKind::$variant,)*];

            /// Stable name, used in data files and logs.
            pub fn name(self) -> &'static str {
                match self { $(EditKind::$variant => $name,)* }
            }

            /// 1 for token edits, 2 for expression edits, 3 for statement edits.
            pub fn tier(self) -> u8 {
                match self { $(EditKind::$variant => $tier,)* }
            }

            /// One phrase for people.
            pub fn description(self) -> &'static str {
                match self { $(EditKind::$variant => $description,)* }
            }
        }
    };
}

edit_kinds! {
    ComparisonOperator "comparison-operator" 1 "Another comparison operator."
    ArithmeticOperator "arithmetic-operator" 1 "Another arithmetic operator."
    BitwiseOperator "bitwise-operator" 1 "Another bitwise operator."
    LogicalOperator "logical-operator" 1 "`and` for `or`, or the reverse."
    AugmentedOperator "augmented-operator" 1 "Another augmented assignment operator."
    AssignmentOperator "assignment-operator" 1 "Plain for augmented assignment, or the reverse."
    OperandSwap "operand-swap" 1 "Operands exchanged."
    ArgumentSwap "argument-swap" 1 "Two arguments exchanged."
    ElementSwap "element-swap" 1 "Two elements of a literal or of a target list exchanged."
    BranchSwap "branch-swap" 1 "The two values of a conditional expression exchanged."
    IntegerStep "integer-step" 1 "An integer constant one higher or lower."
    IntegerReplace "integer-replace" 1 "Another integer constant."
    FloatReplace "float-replace" 1 "Another floating point constant."
    BooleanFlip "boolean-flip" 1 "True for False, or the reverse."
    ConstantEverywhere "constant-everywhere" 1 "A constant replaced wherever the function has it."
    TruthInvert "truth-invert" 1 "True for False and the reverse in all returns of a function."
    TextReplace "text-replace" 1 "Another string constant."
    NullReplace "null-replace" 1 "A value in place of the null constant."
    VariableReplace "variable-replace" 1 "Another variable is read."
    TargetReplace "target-replace" 1 "Another variable is assigned."
    VariableToConstant "variable-to-constant" 1 "A constant in place of a variable."
    ConstantToVariable "constant-to-variable" 1 "A variable in place of a constant."
    AttributeReplace "attribute-replace" 1 "Another attribute."
    MethodReplace "method-replace" 1 "Another method is called."
    CalleeReplace "callee-replace" 1 "Another function is called."
    KeywordReplace "keyword-replace" 1 "Another keyword argument name."
    ExceptionReplace "exception-replace" 1 "Another exception type."
    NotDrop "not-drop" 1 "A negation removed."
    SignDrop "sign-drop" 1 "A sign or bitwise complement removed."
    LoopJump "loop-jump" 1 "Another way to leave or continue a loop."
    SliceBound "slice-bound" 1 "Another bound of a slice."
    YieldDelegate "yield-delegate" 1 "`yield` for `yield from`, or the reverse."
    AwaitToggle "await-toggle" 1 "An `await` added or removed."
    ReceiverAdd "receiver-add" 1 "A plain name becomes an attribute of the instance."
    ReceiverDrop "receiver-drop" 1 "An attribute of the instance becomes a plain name."

    ComparisonBound "comparison-bound" 2 "Another comparison operator and a neighbouring constant."
    ComparisonChain "comparison-chain" 2 "A comparison gains or loses a link."
    OperandDrop "operand-drop" 2 "An operand removed."
    OperandAdd "operand-add" 2 "An operand added to an expression."
    Reassociate "reassociate" 2 "Operands grouped the other way."
    OffByOne "off-by-one" 2 "One added to or taken from an expression."
    Scale "scale" 2 "An expression scaled by a small constant."
    Negate "negate" 2 "A number negated."
    WrapBound "wrap-bound" 2 "An expression limited by `min` or `max`."
    WrapConversion "wrap-conversion" 2 "An expression converted to another type."
    WrapFunction "wrap-function" 2 "An expression wrapped in a builtin function."
    WrapLocal "wrap-local" 2 "An expression wrapped in a call of a function of the file."
    WrapBoth "wrap-both" 2 "Both sides of a comparison converted the same way."
    WrapCollection "wrap-collection" 2 "An expression put in a collection literal."
    Unwrap "unwrap" 2 "A call replaced by its argument or its receiver."
    MethodAdd "method-add" 2 "A method called on the result of an expression."
    SubscriptAdd "subscript-add" 2 "An element of an expression taken."
    ElementAccess "element-access" 2 "An element of a collection in place of a value."
    SubscriptDrop "subscript-drop" 2 "A subscript removed."
    SliceAdd "slice-add" 2 "A slice of an expression taken."
    AttributeAdd "attribute-add" 2 "An attribute of an expression taken."
    AttributeDrop "attribute-drop" 2 "An attribute access removed."
    Ingredient "ingredient" 2 "An expression of the same function reused."
    IngredientFar "ingredient-far" 2 "An expression of elsewhere in the file reused."
    TargetIngredient "target-ingredient" 2 "Another place of the same function assigned."
    ConditionNegate "condition-negate" 2 "A condition negated."
    ConditionExtend "condition-extend" 2 "A condition strengthened or weakened by another one."
    ConditionReplace "condition-replace" 2 "Another condition."
    ConditionConstant "condition-constant" 2 "A condition that always or never holds."
    ConditionalDrop "conditional-drop" 2 "A conditional expression replaced by one of its values."
    ReturnConstant "return-constant" 2 "A constant returned."
    ReturnCondition "return-condition" 2 "A condition returned."
    ReturnValue "return-value" 2 "A value added to a bare return."
    ArgumentDrop "argument-drop" 2 "An argument removed."
    ArgumentAdd "argument-add" 2 "An argument added."
    KeywordAdd "keyword-add" 2 "A keyword argument added."
    RangeBound "range-bound" 2 "Other bounds of a counted loop."
    FilterAdd "filter-add" 2 "A filter added to a comprehension."
    FilterDrop "filter-drop" 2 "A filter removed from a comprehension."
    ElementAdd "element-add" 2 "An element added to a collection literal."
    ElementDrop "element-drop" 2 "An element removed from a collection literal."
    DefaultReplace "default-replace" 2 "Another default value of a parameter."
    LookupDefault "lookup-default" 2 "A lookup that tolerates a missing key, or another fallback for one."

    BranchKind "branch-kind" 3 "`if` for `elif` or `while`, or the reverse."
    BranchExchange "branch-exchange" 3 "The bodies of two branches exchanged."
    StatementDelete "statement-delete" 3 "A statement removed."
    StatementSwap "statement-swap" 3 "Two neighbouring statements exchanged."
    StatementMove "statement-move" 3 "A statement moved to another place of the function."
    StatementOutdent "statement-outdent" 3 "A statement moved out of its block."
    StatementIndent "statement-indent" 3 "A statement moved into the block before it."
    StatementUnwrap "statement-unwrap" 3 "A block kept without the condition around it."
    StatementGuard "statement-guard" 3 "A statement run only under a condition."
    StatementCopy "statement-copy" 3 "A statement of the function repeated elsewhere."
    StatementRename "statement-rename" 3 "A statement of the function repeated with one variable changed."
    StatementReplace "statement-replace" 3 "A statement replaced by another one of the function."
    AssignmentFlip "assignment-flip" 3 "The two sides of an assignment exchanged."
    GuardReturn "guard-return" 3 "An early return for an empty or null value."
    GuardLoop "guard-loop" 3 "A loop left or continued early."
    InsertCall "insert-call" 3 "A missing method call."
    InsertAssignment "insert-assignment" 3 "A missing assignment."
    InsertIncrement "insert-increment" 3 "A missing counter step."
    InsertReturn "insert-return" 3 "A missing return."
    InsertJump "insert-jump" 3 "A missing `break` or `continue`."
    ReturnAdd "return-add" 3 "The value of an expression statement returned."
}

impl std::fmt::Display for EditKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_kebab_case_and_what_is_serialised() {
        let names: BTreeSet<&str> = EditKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), EditKind::ALL.len());
        for kind in EditKind::ALL {
            assert!(kind.name().chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{kind}");
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert!((1..=3).contains(&kind.tier()));
            assert!(kind.description().ends_with('.'));
        }
    }
}
