//! Files that are no library: each has its reason, nothing is half read, and memory is bounded.

use super::*;
use proptest::prelude::*;

const HEAD: &str = "a,b\n";

fn rows(bytes: &[u8]) -> Vec<Vec<String>> {
    let rows = read_all(bytes, None).unwrap();
    rows.iter().map(|row| row.record.iter().map(str::to_owned).collect()).collect()
}

#[test]
fn marks_line_ends_and_quotes_of_other_programs_are_read() {
    let expected = [["1", "济南"], ["2", "青\"岛"]].map(|row| row.map(str::to_owned).to_vec());
    for text in [
        "\u{feff}a,b\r\n1,济南\r\n2,\"青\"\"岛\"\r\n",
        "a,b\n1,济南\n2,\"青\"\"岛\"",
        "a,b\r1,济南\r2,\"青\"\"岛\"\r",
        "\"a\",\"b\"\n\n1,济南\n\n2,\"青\"\"岛\"\n\n",
    ] {
        assert_eq!(rows(text.as_bytes()), expected, "{text:?}");
    }
}

/// A row keeps its NUL, its bell and its direction mark: the node refuses them by the field's name.
#[test]
fn control_characters_reach_the_nodes_own_check() {
    assert_eq!(rows(b"a,b\n1\x002,\x07\n")[0], ["1\x002", "\x07"]);
}

#[test]
fn a_quote_that_is_not_closed_is_one_bad_row_of_a_small_file() {
    let rows = rows(b"a,b\n1,\"open\n2,x\n3,y\n");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0][1], "open\n2,x\n3,y\n");
}

#[test]
fn a_quote_that_is_not_closed_does_not_read_a_large_file_into_memory() {
    let mut bytes = b"a,b\n1,2\n3,\"".to_vec();
    bytes.resize(32 << 20, b'x');
    for encoding in [None, Some(Encoding::Gb18030)] {
        let error = read_all(&bytes, encoding).err().expect("refused");
        let text = format!("{error:#}");
        assert!(matches!(error, Error::Csv { .. }) && text.contains("is a quote not closed?"), "{text}");
    }
    // In the header too.
    let mut header = b"a,\"".to_vec();
    header.resize(32 << 20, b'x');
    assert!(matches!(read_all(&header, None), Err(Error::Csv { .. })));
}

#[test]
fn files_that_are_none_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &Path| read::open(&Options::new(path), &ProgressBar::hidden()).err();
    let missing = open(&folder.path().join("absent.csv"));
    assert!(matches!(missing, Some(Error::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound));
    assert!(matches!(open(folder.path()), Some(Error::File { .. })), "a folder");
    let columns = |text: &str| {
        let path = folder.path().join("rows.csv");
        fs::write(&path, text).unwrap();
        Columns::new(&read::open(&Options::new(&path), &ProgressBar::hidden()).unwrap().header).unwrap_err()
    };
    assert_eq!(columns("").columns.len(), 10, "an empty file lacks every column that is needed");
    assert_eq!(columns(HEAD).columns.len(), 10);
    // One of the columns twice: which of the two holds the number?
    let twice = columns(&format!("{HEADER},Certificate_Number,KZ_ZL,kz_zl\n"));
    assert_eq!(
        (twice.columns.len(), twice.twice.as_slice()),
        (0, &["certificate_number", "kz_zl", "kz_zl"].map(str::to_owned)[..])
    );
    assert!(twice.to_string().starts_with("the header has columns twice: certificate_number"), "{twice}");
}

#[tokio::test]
async fn rows_with_too_few_or_too_many_columns_are_rejected_one_by_one() {
    let header: StringRecord = HEADER.split(',').collect::<Vec<_>>().into();
    let columns = Columns::new(&header).unwrap();
    let sound: Vec<&str> = ROW.iter().map(|(_, value)| *value).collect();
    for record in [&sound[..20], &[&sound[..], &["more"]].concat()[..], &[][..], &["x"][..]] {
        let row = Read { line: 2, record: record.to_vec().into() };
        let rejected = row::prepare(&columns, &mut Kinds::of(&[kind()]), row).await.unwrap();
        let Err((_, rejection)) = rejected else { panic!("{} columns are taken", record.len()) };
        assert_eq!(rejection.reason, "MESSAGE_UNDECODABLE", "{}", rejection.detail);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    /// Any bytes: the reader ends, and answers with rows or a reason.
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(prop_oneof![
        3 => proptest::sample::select(b",\"\r\n\0;'\xef\xbb\xbf\xff\x81\x30a".to_vec()), 1 => any::<u8>()], 0..400)) {
        if let Ok(rows) = read_all(&bytes, None) {
            prop_assert!(rows.len() <= bytes.len());
        }
    }

    /// A sound file with bytes changed: rows come, or a reason.
    #[test]
    fn changed_bytes_of_a_sound_file_are_survived(places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let sound: Vec<&str> = ROW.iter().map(|(_, value)| *value).collect();
        let mut bytes = format!("{HEADER}\n{0}\n{0}\n", sound.join(",")).into_bytes();
        for (place, byte) in places {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(rows) = read_all(&bytes, None) {
            let header: StringRecord = HEADER.split(',').collect::<Vec<_>>().into();
            let columns = Columns::new(&header).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for row in rows {
                let _ = runtime.block_on(row::prepare(&columns, &mut Kinds::of(&[kind()]), row)).unwrap();
            }
        }
    }
}
