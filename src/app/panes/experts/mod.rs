//! Load of the experts, layer by layer, over the steps of pretraining, and the biases that even it out.

mod view;
mod view_model;

pub use view::ExpertsPane;
