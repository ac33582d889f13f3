//! Frames, lines, guilloches.

use super::{Item, Page, Point, Segment, Shape};
use crate::licence::{
    length::{Colour, Length},
    template::{Area, Template, Wave},
};

pub(super) fn background(template: &Template, page: &mut Page) {
    for rectangle in &template.rectangle {
        let stroke = rectangle.stroke.map(|colour| (colour, rectangle.stroke_width));
        page.background.push(Item::Shape(Shape { segments: corners(&rectangle.at), fill: rectangle.fill, stroke }));
    }
    page.background.extend(template.wave.iter().map(wave));
    page.background.extend(template.line.iter().map(|one| line(one.from, one.to, one.colour, one.width)));
}

pub(super) fn corners(at: &Area) -> Vec<Segment> {
    let (right, bottom) = (at.x + at.width, at.y + at.height);
    vec![
        Segment::Move([at.x, at.y]),
        Segment::Line([right, at.y]),
        Segment::Line([right, bottom]),
        Segment::Line([at.x, bottom]),
        Segment::Close,
    ]
}

pub(super) fn outline(at: &Area, colour: Colour, width: Length) -> Item {
    Item::Shape(Shape { segments: corners(at), fill: None, stroke: Some((colour, width)) })
}

pub(super) fn line(from: Point, to: Point, colour: Colour, width: Length) -> Item {
    let segments = vec![Segment::Move(from), Segment::Line(to)];
    Item::Shape(Shape { segments, fill: None, stroke: Some((colour, width)) })
}

/// Half waves as cubic curves: with control points at 0.3642 of the way and 4/3 of the height the curve is a sine to the
/// eye, and needs no function whose last digit differs from machine to machine.
fn wave(wave: &Wave) -> Item {
    const CONTROL: (i64, i64) = (3642, 10_000);
    let lying = wave.at.width >= wave.at.height;
    let (length, breadth) = if lying { (wave.at.width, wave.at.height) } else { (wave.at.height, wave.at.width) };
    let middle = breadth.part(1, 2);
    let point = |along: Length, across: Length| {
        if lying { [wave.at.x + along, wave.at.y + across] } else { [wave.at.x + across, wave.at.y + along] }
    };
    let mut segments = Vec::new();
    for i in 0..wave.lines {
        // From one height to the same on the other side, so that the lines cross.
        let height = if wave.lines == 1 { middle } else { middle - breadth.part(i, wave.lines - 1) };
        segments.push(Segment::Move(point(Length::ZERO, middle)));
        for half in 0..wave.halves {
            let (start, end) = (length.part(half, wave.halves), length.part(half + 1, wave.halves));
            let control = (end - start).part(CONTROL.0, CONTROL.1);
            let peak = height.part(if half % 2 == 0 { 4 } else { -4 }, 3);
            segments.push(Segment::Curve(
                point(start + control, middle + peak),
                point(end - control, middle + peak),
                point(end, middle),
            ));
        }
    }
    Item::Shape(Shape { segments, fill: None, stroke: Some((wave.colour, wave.width)) })
}
