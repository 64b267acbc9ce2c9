//! What a dataset says of its users apart from what they did: categorical columns.

use super::UserIdx;

/// One categorical column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserColumn {
    /// The dataset's own name of it.
    pub name: String,
    /// The values that occur, in the order of the file.
    pub values: Vec<String>,
    /// Per user 1 + the index of the value; 0 where the dataset does not say.
    pub of_user: Vec<u32>,
}

impl UserColumn {
    /// The same column for some of the users.
    #[must_use]
    pub fn of(&self, users: &[usize]) -> Self {
        Self {
            name: self.name.clone(),
            values: self.values.clone(),
            of_user: users.iter().map(|user| self.of_user[*user]).collect(),
        }
    }

    /// The value of one user.
    pub fn value(&self, user: UserIdx) -> Option<&str> {
        let value = (self.of_user[user.idx()] as usize).checked_sub(1)?;
        self.values.get(value).map(String::as_str)
    }
}
