//! The model-driven loop: model, tool call, observation, until it submits.
