//! NumPy's `.npy` format, the two-dimensional little-endian float part of it.
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use super::ItemEmbeddings;

/// Reads a matrix of 32- or 64-bit floats in C order.
///
/// # Errors
/// In words: what is wrong with the file.
pub fn parse(bytes: &[u8]) -> Result<ItemEmbeddings, String> {
    let (header, data) = split(bytes).ok_or("it is not a whole .npy file")?;
    let header = std::str::from_utf8(header).map_err(|error| error.to_string())?;
    if field(header, "fortran_order")?.starts_with("True") {
        return Err(
            "its columns are stored one after the other, expected rows (C order)".to_owned(),
        );
    }
    let kind = field(header, "descr")?;
    let width = match kind.get(..5) {
        Some("'<f4'" | "\"<f4\"") => 4,
        Some("'<f8'" | "\"<f8\"") => 8,
        _ => {
            let found = kind.split(',').next().unwrap_or_default();
            return Err(format!("expected the type '<f4' or '<f8', found {found}"));
        }
    };
    let (n_rows, dim) = shape(field(header, "shape")?)?;
    // The header is believed only as far as the bytes bear it out.
    let expected = n_rows
        .checked_mul(dim)
        .and_then(|n_values| n_values.checked_mul(width));
    if expected != Some(data.len()) || dim == 0 {
        return Err(format!(
            "the shape ({n_rows}, {dim}) does not fit {} bytes of values",
            data.len()
        ));
    }
    let values = if width == 4 {
        let (values, _) = data.as_chunks::<4>();
        values
            .iter()
            .map(|value| f32::from_le_bytes(*value))
            .collect()
    } else {
        let (values, _) = data.as_chunks::<8>();
        values
            .iter()
            .map(|value| f64::from_le_bytes(*value) as f32)
            .collect()
    };
    Ok(ItemEmbeddings { values, dim })
}

/// The header's text and the values: magic word, version, length of the header, header, values.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(b"\x93NUMPY")?;
    let (version, rest) = rest.split_first_chunk::<2>()?;
    let (len, rest) = match version {
        [1, _] => {
            let (len, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_le_bytes(*len)), rest)
        }
        [2 | 3, _] => {
            let (len, rest) = rest.split_first_chunk::<4>()?;
            (u32::from_le_bytes(*len) as usize, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(len)
}

/// What follows `'name':` in the header, which is the text of a Python dictionary.
fn field<'a>(header: &'a str, name: &str) -> Result<&'a str, String> {
    [format!("'{name}'"), format!("\"{name}\"")]
        .iter()
        .find_map(|quoted| header.split_once(quoted.as_str()))
        .and_then(|(_, rest)| rest.trim_start().strip_prefix(':'))
        .map(str::trim_start)
        .ok_or_else(|| format!("its header has no {name}"))
}

fn shape(text: &str) -> Result<(usize, usize), String> {
    let inner = text
        .strip_prefix('(')
        .and_then(|text| text.split_once(')'))
        .map(|(inner, _)| inner)
        .ok_or("its shape is damaged")?;
    let sizes: Vec<&str> = inner
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty())
        .collect();
    match sizes[..] {
        [n_rows, dim] => match (n_rows.parse(), dim.parse()) {
            (Ok(n_rows), Ok(dim)) => Ok((n_rows, dim)),
            _ => Err(format!("its shape ({inner}) is damaged")),
        },
        _ => Err(format!(
            "expected two dimensions, found the shape ({inner})"
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file as numpy 2 writes it: version 1, header padded to 64 bytes.
    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        let padded = format!("{header:<117}\n");
        bytes.extend((padded.len() as u16).to_le_bytes());
        bytes.extend(padded.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }

    #[test]
    fn single_and_double_precision_are_read() {
        let expected = ItemEmbeddings {
            values: vec![1.0, 2.5, -3.0, 4.0, 5.0, 6.0],
            dim: 3,
        };
        let single = file(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
            &floats(&expected.values),
        );
        assert_eq!(parse(&single).unwrap(), expected);
        let doubles: Vec<u8> = expected
            .values
            .iter()
            .flat_map(|value| f64::from(*value).to_le_bytes())
            .collect();
        let double = file(
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }",
            &doubles,
        );
        assert_eq!(parse(&double).unwrap(), expected);
    }

    #[test]
    fn what_does_not_fit_is_refused_in_words() {
        let data = floats(&[1.0, 2.0]);
        for (header, word) in [
            (
                "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }",
                "C order",
            ),
            (
                "{'descr': '>f4', 'fortran_order': False, 'shape': (1, 2), }",
                ">f4",
            ),
            (
                "{'descr': '<i8', 'fortran_order': False, 'shape': (1, 2), }",
                "<i8",
            ),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
                "two dimensions",
            ),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }",
                "does not fit",
            ),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 0), }",
                "does not fit",
            ),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9), }",
                "does not fit",
            ),
            ("{'descr': '<f4', 'fortran_order': False}", "shape"),
        ] {
            let error = parse(&file(header, &data)).unwrap_err();
            assert!(error.contains(word), "{header}: {error}");
        }
        assert!(
            parse(b"PK\x03\x04")
                .unwrap_err()
                .contains("not a whole .npy")
        );
    }

    proptest! {
        #[test]
        fn damaged_files_never_panic(cut in 0_usize..136, place in 0_usize..136, byte in any::<u8>()) {
            let mut bytes = file("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }", &floats(&[1.0, 2.0]));
            bytes[place] = byte;
            bytes.truncate(bytes.len() - cut);
            if let Ok(embeddings) = parse(&bytes) {
                prop_assert_eq!(embeddings.values.len() % embeddings.dim, 0);
            }
        }

        #[test]
        fn arbitrary_headers_never_panic(header in "\\PC{0,80}", data in prop::collection::vec(any::<u8>(), 0..32)) {
            parse(&file(&header, &data)).ok();
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            parse(&bytes).ok();
            parse(&[b"\x93NUMPY".as_slice(), &bytes].concat()).ok();
        }
    }
}
