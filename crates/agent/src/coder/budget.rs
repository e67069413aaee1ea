//! What may still be spent. Asked before each call, because afterwards it is too late.

use smallhands_model_gateway::{ChatModel, ChatRequest, ChatResponse};
use smallhands_trajectory::Usage;
use tokio::time::Instant;

use super::task::{CoderLimits, Limit};

/// What one round has spent, against its limits.
#[derive(Debug, Clone)]
pub struct Budget {
    limits: CoderLimits,
    deadline: Instant,
    /// Answers received.
    pub steps: u32,
    /// Tokens spent.
    pub usage: Usage,
    /// Money spent, in millionths of a US dollar.
    pub cost_usd_micros: u64,
}

/// Whether the next call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// It may.
    Granted,
    /// It may not.
    Refused(Limit),
    /// There is a budget, and nobody knows what the call would cost.
    PriceUnknown,
}

impl Budget {
    /// A fresh round that begins now.
    pub fn new(limits: CoderLimits) -> Self {
        // A wall time beyond what the clock can count is none: a century stands for it.
        let century = std::time::Duration::from_secs(100 * 365 * 86_400);
        let deadline = Instant::now() + limits.wall.min(century);
        Self { limits, deadline, steps: 0, usage: Usage::default(), cost_usd_micros: 0 }
    }

    /// When the round must be over.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Steps that may still be taken.
    pub fn steps_left(&self) -> u32 {
        self.limits.steps.saturating_sub(self.steps)
    }

    /// Whether `request` may be sent to `model`. Money is reserved for the dearest answer the request allows.
    pub fn allows(&self, model: &dyn ChatModel, request: &ChatRequest<'_>) -> Allowance {
        if self.steps_left() == 0 {
            return Allowance::Refused(Limit::Steps);
        }
        if Instant::now() >= self.deadline {
            return Allowance::Refused(Limit::Wall);
        }
        if self.limits.total_tokens.is_some_and(|limit| self.usage.total() >= limit) {
            return Allowance::Refused(Limit::Tokens);
        }
        self.affords(model, request)
    }

    fn affords(&self, model: &dyn ChatModel, request: &ChatRequest<'_>) -> Allowance {
        let Some(budget) = self.limits.budget_usd_micros else { return Allowance::Granted };
        if budget == 0 {
            return Allowance::Refused(Limit::Budget);
        }
        match model.cost_ceiling(request) {
            None => Allowance::PriceUnknown,
            Some(ceiling) if self.cost_usd_micros.saturating_add(ceiling) > budget => {
                Allowance::Refused(Limit::Budget)
            }
            Some(_) => Allowance::Granted,
        }
    }

    /// Books an answer.
    pub fn book(&mut self, answer: &ChatResponse) {
        self.steps += 1;
        self.usage += answer.usage;
        self.cost_usd_micros = self.cost_usd_micros.saturating_add(answer.cost_usd_micros.unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use smallhands_model_gateway::{Finish, ModelError};
    use smallhands_trajectory::Message;

    struct Priced(Option<u64>);

    #[async_trait::async_trait]
    impl ChatModel for Priced {
        fn name(&self) -> &str {
            "priced"
        }

        async fn complete(&self, _: ChatRequest<'_>) -> Result<ChatResponse, ModelError> {
            Err(ModelError::BadRequest { message: "not asked in these tests".into() })
        }

        fn cost_ceiling(&self, _: &ChatRequest<'_>) -> Option<u64> {
            self.0
        }
    }

    fn answer(tokens: u64, cost: u64) -> ChatResponse {
        ChatResponse {
            message: Message::assistant("", vec![]),
            finish: Finish::Stop,
            usage: Usage { input_tokens: tokens, ..Usage::default() },
            usage_estimated: false,
            cost_usd_micros: Some(cost),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_limit_is_asked_before_the_call() {
        use Allowance::{Granted, PriceUnknown, Refused};
        let request = ChatRequest { messages: &[], tools: &[], max_output_tokens: None, temperature: None };
        let check = |limits: CoderLimits, spent: &[ChatResponse], ceiling, expected| {
            let mut budget = Budget::new(limits);
            spent.iter().for_each(|answer| budget.book(answer));
            assert_eq!(
                budget.allows(&Priced(ceiling), &request),
                expected,
                "{limits:?} after {}",
                spent.len()
            );
        };
        let limits = CoderLimits::default();
        let money = |micros| CoderLimits { budget_usd_micros: Some(micros), ..limits };
        check(limits, &[], None, Granted);
        check(CoderLimits { steps: 0, ..limits }, &[], None, Refused(Limit::Steps));
        check(CoderLimits { steps: 2, ..limits }, &[answer(1, 0)], None, Granted);
        check(CoderLimits { steps: 2, ..limits }, &[answer(1, 0), answer(1, 0)], None, Refused(Limit::Steps));
        check(CoderLimits { wall: Duration::ZERO, ..limits }, &[], None, Refused(Limit::Wall));
        check(CoderLimits { wall: Duration::MAX, ..limits }, &[], None, Granted);
        check(CoderLimits { total_tokens: Some(10), ..limits }, &[answer(9, 0)], None, Granted);
        check(
            CoderLimits { total_tokens: Some(10), ..limits },
            &[answer(10, 0)],
            None,
            Refused(Limit::Tokens),
        );
        check(money(0), &[], Some(0), Refused(Limit::Budget));
        check(money(100), &[], None, PriceUnknown);
        check(money(100), &[], Some(100), Granted);
        check(money(100), &[], Some(101), Refused(Limit::Budget));
        check(money(100), &[answer(1, 60)], Some(40), Granted);
        check(money(100), &[answer(1, 60)], Some(41), Refused(Limit::Budget));
    }

    #[tokio::test(start_paused = true)]
    async fn time_runs_out() {
        let request = ChatRequest { messages: &[], tools: &[], max_output_tokens: None, temperature: None };
        let budget = Budget::new(CoderLimits { wall: Duration::from_secs(5), ..CoderLimits::default() });
        assert_eq!(budget.allows(&Priced(None), &request), Allowance::Granted);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(budget.allows(&Priced(None), &request), Allowance::Refused(Limit::Wall));
    }
}
