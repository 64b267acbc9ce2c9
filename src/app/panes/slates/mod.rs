//! What the generator shows one user before and after alignment, and how all users fare.

mod view;
mod view_model;

pub use view::SlatesPane;
