//! A batch on the host under names, for those who are to read it outside this program.

/// Numbers with a name and a shape, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// What they are.
    pub name: String,
    /// As in the tensor of the same name.
    pub shape: Vec<usize>,
    /// The numbers.
    pub values: ArrayValues,
}

/// The numbers of an [`Array`].
#[derive(Clone, Debug, PartialEq)]
pub enum ArrayValues {
    /// Rows of tables, tokens, flags.
    Ints(Vec<i64>),
    /// Shares and measures.
    Floats(Vec<f32>),
}

impl Array {
    /// Whole numbers.
    pub fn ints(name: impl Into<String>, shape: &[usize], values: &[i64]) -> Self {
        Self {
            name: name.into(),
            shape: shape.to_vec(),
            values: ArrayValues::Ints(values.to_vec()),
        }
    }

    /// Real numbers.
    pub fn floats(name: impl Into<String>, shape: &[usize], values: &[f32]) -> Self {
        Self {
            name: name.into(),
            shape: shape.to_vec(),
            values: ArrayValues::Floats(values.to_vec()),
        }
    }
}
