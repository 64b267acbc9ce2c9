//! How large the generator of the settings is and what training it costs, before it is trained.

mod view;
mod view_model;

pub use view::CostPane;
