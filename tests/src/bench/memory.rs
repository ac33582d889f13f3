//! `memory`: what a node holds when it is fresh, and after it has issued.

use crate::{
    Settings, city,
    data::Requests,
    province::{PROVINCE, Province},
    report::{Better, Figure},
    rounds::Side,
};
use anyhow::Result;
use std::{path::Path, sync::Arc, time::Duration};

/// Certificates of a run, and with `--full`.
const CERTIFICATES: usize = 200_000;
const CERTIFICATES_FULL: usize = 1_000_000;
/// Certificates that are issued before their answers are forgotten.
const CHUNK: usize = 10_000;
/// A node that was just started, or just under load, is left alone for so long before it is looked at.
const SETTLE: Duration = Duration::from_secs(3);

/// Runs the bench. There is no limit, and one round: a node is fresh once.
pub(crate) async fn run(settings: &Settings, folder: &Path) -> Result<Vec<Figure>> {
    let mut figures = [
        Figure::new("idle_mb", "MB", Better::Lower).target(150.0).unlimited(),
        Figure::new("load_mb", "MB", Better::Lower).target(400.0).unlimited(),
        Figure::new("peak_mb", "MB", Better::Lower).unlimited(),
    ];
    if settings.limit_only {
        return Ok(figures.into());
    }
    let province = Province::make(&folder.join("memory"), &[PROVINCE], None)?;
    let cities = city::start(&province)?;
    let city = city::of(&cities, PROVINCE)?;
    tokio::time::sleep(SETTLE).await;
    let idle = city.memory()?;
    city::publish(&cities, None).await?;
    let requests = Arc::new(Requests::new(city.node.department.clone(), 0));
    let mut left = if settings.full { CERTIFICATES_FULL } else { CERTIFICATES };
    while left > 0 {
        let now = left.min(CHUNK);
        city.issue(&requests, now).await?;
        left -= now;
        eprint!(".");
    }
    eprintln!();
    tokio::time::sleep(SETTLE).await;
    let load = city.memory()?;
    for (figure, megabytes) in figures.iter_mut().zip([idle.resident_mb, load.resident_mb, load.peak_mb]) {
        figure.add(Side::Node, megabytes);
    }
    Ok(figures.into())
}
