#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

/// standards.md §1.1: trace aid for the first row.
#[test]
fn mod_37_36_of_the_traced_row() {
    let parts = ["11100000000013338W011", "11430000006122244L", "20230000403", "001"];
    assert_eq!(parts.concat().len(), 53);
    assert_eq!(mod_37_36(&parts), Some('U'));
    assert_eq!(mod_37_36(&[&parts.concat()]), Some('U'));
}

#[test]
fn the_dialect_disagrees_with_iso_on_the_good_rows() {
    let rows = [
        ("11100000000013338W01111430000006122244L20230000403001", 'U', 'T'),
        ("11100000000013338W01111430000006122244L20230000403002", 'S', 'R'),
        ("11100000000013338W03211220000013544541J2430599001", 'F', 'E'),
        ("11100000000013338W00911330105002500287C2025052201002", '0', 'Z'),
        ("11100000MB03271699022340100000000016001", '9', '4'),
        ("11100000000013661B006113700000045046442209FA4E88F9E4C878F3E9BED2CE7EA49001", 'D', 'M'),
    ];
    for (text, iso, dialect) in rows {
        assert_eq!(mod_37_36(&[text]), Some(iso), "{text}");
        assert_eq!(mod_37_36_dialect(&[text]), Some(dialect), "{text}");
    }
}

/// standards.md §2.2.
#[test]
fn mod_11_2_of_the_standards_example() {
    assert_eq!(mod_11_2("11010519491231002"), Some('X'));
}

/// The published form of GB 11643: weights and a table of check characters.
#[test]
fn mod_11_2_agrees_with_weights_and_table() {
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    for seed in 0..2_000_u64 {
        let digits = format!("{:017}", seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 10_u64.pow(17));
        let sum: u32 = digits.chars().zip(weights).map(|(c, w)| c.to_digit(10).unwrap() * w).sum();
        let needed = "10X98765432".chars().nth((sum % 11) as usize);
        assert_eq!(mod_11_2(&digits), needed, "{digits}");
    }
}

#[test]
fn gb32100_weights_are_powers_of_three() {
    let mut power = 1;
    for weight in GB32100_WEIGHTS {
        assert_eq!(weight, power);
        power = power * 3 % 31;
    }
}

#[test]
fn outside_the_alphabet_nothing_is_computed() {
    for text in ["a", "_", "é", "1.2", " "] {
        assert_eq!(mod_37_36(&[text]), None, "{text}");
        assert_eq!(mod_37_36_dialect(&[text]), None, "{text}");
    }
    assert_eq!(mod_11_2("1234X"), None);
    assert_eq!(gb32100("1110000000001333I"), None);
    assert_eq!(gb32100("11100000000013338W"), None);
}

fn changed(text: &str, at: usize, to: char) -> String {
    text.chars().enumerate().map(|(index, c)| if index == at { to } else { c }).collect()
}

proptest! {
    #[test]
    fn mod_37_36_finds_every_changed_character(text in "[0-9A-Z]{1,80}", at in 0_usize..80, to in "[0-9A-Z]") {
        let at = at % text.len();
        let other = changed(&text, at, to.chars().next().unwrap());
        prop_assume!(other != text);
        prop_assert_ne!(mod_37_36(&[&other]), mod_37_36(&[&text]));
    }

    #[test]
    fn mod_11_2_finds_every_changed_digit_and_exchange(text in "[0-9]{17}", at in 0_usize..17, to in "[0-9]") {
        let other = changed(&text, at, to.chars().next().unwrap());
        if other != text {
            prop_assert_ne!(mod_11_2(&other), mod_11_2(&text));
        }
        let mut exchanged = text.clone().into_bytes();
        exchanged.swap(at, (at + 1) % 17);
        let exchanged = String::from_utf8(exchanged).unwrap();
        if exchanged != text {
            prop_assert_ne!(mod_11_2(&exchanged), mod_11_2(&text));
        }
    }

    #[test]
    fn gb32100_finds_every_changed_character_and_exchange(
        text in "[0-9A-HJ-NPQRTUWXY]{17}", at in 0_usize..16, to in "[0-9A-HJ-NPQRTUWXY]",
    ) {
        let other = changed(&text, at, to.chars().next().unwrap());
        if other != text {
            prop_assert_ne!(gb32100(&other), gb32100(&text));
        }
        let mut exchanged = text.clone().into_bytes();
        exchanged.swap(at, at + 1);
        let exchanged = String::from_utf8(exchanged).unwrap();
        if exchanged != text {
            prop_assert_ne!(gb32100(&exchanged), gb32100(&text));
        }
    }

    #[test]
    fn the_dialect_never_leaves_its_alphabet(text in "[0-9A-Z]{1,80}") {
        prop_assert!(mod_37_36_dialect(&[&text]).is_some());
    }
}
