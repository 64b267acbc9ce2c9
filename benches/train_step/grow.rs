//! How the cost grows with each size.

use std::path::Path;

use onerec_workbench::engine::chart::{LineChart, Series};

use super::shape::Shape;
use super::{Args, step_seconds};

/// One size after the other, all else as in `shape`.
pub(crate) fn grow(args: &Args, shape: Shape, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    type Change = fn(&mut Shape, usize);
    let sizes: [(&str, &[usize], Change); 6] = [
        ("d_model", &[64, 128, 256, 384, 512], |shape, n| {
            shape.d_model = n;
            shape.d_ff = n * 11 / 4;
        }),
        ("layers of each stack", &[1, 2, 4, 6, 8], |shape, n| {
            shape.n_layers = n;
        }),
        ("items of history", &[5, 15, 30, 60, 120], |shape, n| {
            shape.n_items = n;
        }),
        (
            "codes per level",
            &[64, 256, 1024, 4096, 8192],
            |shape, n| {
                shape.codebook_size = n;
            },
        ),
        ("experts, 2 active", &[2, 4, 8, 16, 24, 48], |shape, n| {
            shape.n_experts = n;
        }),
        ("active experts of 24", &[1, 2, 4, 8], |shape, n| {
            shape.n_experts = 24;
            shape.n_active = n;
        }),
    ];
    for (name, values, change) in sizes {
        let mut points = Vec::new();
        for value in values {
            let mut shape = shape;
            change(&mut shape, *value);
            let measured = step_seconds(args, shape)?;
            println!("{name} {value}: {:.3} s", measured.seconds);
            points.push((*value as f64, measured.seconds));
        }
        let chart = LineChart {
            title: format!("Seconds per training step by {name}"),
            x_label: name.to_owned(),
            y_label: "seconds per step".to_owned(),
            series: vec![Series {
                name: "seconds".to_owned(),
                points,
            }],
            ..LineChart::default()
        };
        let file = name.replace([' ', ','], "_");
        chart.write_csv(&folder.join(format!("{file}.csv")))?;
        chart.write_svg(&folder.join(format!("{file}.svg")))?;
    }
    Ok(())
}
