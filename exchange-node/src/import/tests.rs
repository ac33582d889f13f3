#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bad_files;
mod served;

use super::{
    columns::Columns,
    kinds::Kinds,
    row::{self, Job},
    *,
};
use exchange_proto::v1;
use std::fs;

const HEADER: &str = "certificate_name,certificate_type,certificate_type_code,certificate_number,\
    certificate_source_id,issue_dept,issue_dept_code,issue_date,certificate_holder,certificate_holder_code,\
    certificate_holder_type,validate_start,validate_end,cd_batch,cd_operation,cd_time,data_source,status_code,origin,\
    KZ_ZL,KZ_CLRQ";
/// A sound row, by column.
const ROW: [(&str, &str); 21] = [
    ("certificate_name", "不动产权证书"),
    ("certificate_type", "不动产权证书"),
    ("certificate_type_code", TYPE),
    ("certificate_number", "鲁（样例）第1号"),
    ("certificate_source_id", "S-1"),
    ("issue_dept", "济南市自然资源和规划局"),
    ("issue_dept_code", "11370100XXXX00002U"),
    ("issue_date", "2024/5/1 00:00:00"),
    ("certificate_holder", "王样例"),
    ("certificate_holder_code", "11010519491231002X"),
    ("certificate_holder_type", "公民身份号码"),
    ("validate_start", "20240501"),
    ("validate_end", "长期"),
    ("cd_batch", "批-7"),
    ("cd_operation", "I"),
    ("cd_time", "2026-01-05 08:00:00"),
    ("data_source", "1"),
    ("status_code", "01"),
    ("origin", "存量补录"),
    ("KZ_ZL", "济南市样例路1号"),
    ("KZ_CLRQ", "2001年2月3日"),
];
const TYPE: &str = "11100000MB03271699001";

fn kind() -> v1::CertificateType {
    let field = |name: &str, required, format| v1::FieldSpec {
        name: name.into(),
        required,
        format: format as i32,
        ..Default::default()
    };
    let code = |code: &str, status| v1::StatusCode { code: code.into(), status: status as i32, ..Default::default() };
    let rule = |to, document_number_required| v1::StatusRule {
        to: to as i32,
        authorities: vec![v1::StatusAuthority::Issuer as i32],
        document_number_required,
    };
    v1::CertificateType {
        type_code: TYPE.into(),
        holder_code_types: vec!["111".into(), "001".into()],
        fields: vec![
            field("CZZT", true, v1::FieldFormat::Text),
            field("CZZTDM", true, v1::FieldFormat::HolderCode),
            field("CZZTDMLXDM", false, v1::FieldFormat::Text),
            field("ZZBH", true, v1::FieldFormat::Text),
            field("ZZBFRQ", false, v1::FieldFormat::Date),
            field("KZ_ZL", false, v1::FieldFormat::Text),
            field("KZ_CLRQ", false, v1::FieldFormat::Date),
        ],
        status_codes: vec![
            code("01", v1::Status::Active),
            code("03", v1::Status::Replaced),
            code("05", v1::Status::Revoked),
            code("06", v1::Status::Cancelled),
            code("08", v1::Status::TransferredOut),
        ],
        status_rules: vec![rule(v1::Status::Cancelled, false), rule(v1::Status::Revoked, true)],
        ..Default::default()
    }
}

/// A row with some columns changed.
fn record(changes: &[(&str, &str)]) -> StringRecord {
    let value = |(name, value): &(&str, &str)| {
        changes.iter().find(|(changed, _)| changed == name).map_or(*value, |(_, other)| *other).to_owned()
    };
    ROW.iter().map(value).collect::<Vec<_>>().into()
}

async fn outcome(changes: &[(&str, &str)]) -> Result<Job, Rejection> {
    let header: StringRecord = HEADER.split(',').collect::<Vec<_>>().into();
    let columns = Columns::new(&header).unwrap();
    let row = Read { line: 2, record: record(changes) };
    row::prepare(&columns, &mut Kinds::of(&[kind()]), row).await.unwrap().map_err(|(_, rejection)| rejection)
}

async fn rejection(changes: &[(&str, &str)]) -> Rejection {
    match outcome(changes).await {
        Ok(_) => panic!("{changes:?} is taken"),
        Err(rejection) => rejection,
    }
}

#[tokio::test]
async fn a_row_becomes_a_request_with_the_fields_of_its_type() {
    let Ok(Job::Issue { request, status: None, .. }) = outcome(&[]).await else { panic!("no issue") };
    let date = |year, month, day| Some(v1::Date { year, month, day });
    assert_eq!(request.type_code, TYPE);
    assert_eq!(request.issuer.as_ref().unwrap().uscc, "11370100XXXX00002U");
    assert_eq!((request.issued_on, request.valid_from), (date(2024, 5, 1), date(2024, 5, 1)));
    assert_eq!(request.valid_until, None, "长期 is no end");
    assert_eq!(request.origin(), v1::Origin::Backfilled);
    let source = request.source.unwrap();
    assert_eq!((source.source_id.as_str(), source.row_time.as_str()), ("S-1", "2026-01-05 08:00:00"));
    let fields: Vec<(&str, &str)> =
        request.fields.iter().map(|field| (field.name.as_str(), field.value.as_str())).collect();
    let expected = [
        ("CZZT", "王样例"),
        ("CZZTDM", "11010519491231002X"),
        ("CZZTDMLXDM", "111"),
        ("ZZBH", "鲁（样例）第1号"),
        ("ZZBFRQ", "2024-05-01"),
        ("KZ_ZL", "济南市样例路1号"),
        ("KZ_CLRQ", "2001-02-03"),
    ];
    assert_eq!(fields, expected);
}

#[tokio::test]
async fn u_revises_what_was_imported_last() {
    let Ok(Job::Revise { request, .. }) = outcome(&[("cd_operation", "u")]).await else { panic!("no revision") };
    assert_eq!((request.previous.as_str(), request.type_code.as_str()), ("", TYPE));
    assert!(request.source.is_some() && request.issuer.is_some());
}

#[tokio::test]
async fn a_final_status_follows_with_batch_and_day_of_issue() {
    let Ok(job) = outcome(&[("status_code", "05")]).await else { panic!("no job") };
    let change = job.status().unwrap();
    assert_eq!((change.to(), change.status_code.as_str()), (v1::Status::Revoked, "05"));
    assert_eq!(change.document_number, "批-7");
    assert_eq!(change.decided_on, Some(v1::Date { year: 2024, month: 5, day: 1 }));
    assert_eq!(change.deciding_body.as_ref().unwrap().uscc, "11370100XXXX00002U");
}

#[tokio::test]
async fn faults_that_show_without_the_node_have_their_reason() {
    for (column, value, reason) in [
        ("cd_operation", "D", "IMPORT_OPERATION_NOT_ALLOWED"),
        ("cd_operation", "", "FIELD_MISSING"),
        ("certificate_type_code", "11100000MB0143028R999", "TYPE_UNKNOWN"),
        ("certificate_holder", "", "FIELD_MISSING"),
        ("certificate_number", " ", "FIELD_MISSING"),
        ("certificate_holder_type", "工会证", "PARTY_INVALID"),
        ("issue_date", "2024-02-30", "FIELD_INVALID"),
        ("issue_date", "", "FIELD_MISSING"),
        ("validate_end", "2024-04-30", "DATES_OUT_OF_ORDER"),
        ("origin", "copied", "FIELD_INVALID"),
        ("status_code", "88", "STATUS_CHANGE_NOT_ALLOWED"),
        ("status_code", "03", "STATUS_CHANGE_NOT_ALLOWED"),
        ("status_code", "08", "STATUS_AUTHORITY_NOT_ALLOWED"),
        ("KZ_ZL", "济南\u{fffd}路", "ENCODING_INVALID"),
        ("certificate_source_id", "", "FIELD_MISSING"),
        ("cd_time", "a time that has more than the thirty-two bytes", "FIELD_TOO_LONG"),
    ] {
        assert_eq!(rejection(&[(column, value)]).await.reason, reason, "{column} {value}");
    }
    let undocumented = rejection(&[("status_code", "05"), ("cd_batch", "")]).await;
    assert_eq!(undocumented.reason, "DOCUMENT_NUMBER_MISSING");
}

#[tokio::test]
async fn a_wrong_check_digit_says_the_right_one_and_never_the_number() {
    let holder = rejection(&[("certificate_holder_code", "110105194912310021")]).await;
    assert_eq!((holder.reason.as_str(), holder.right_check_digit), ("CHECK_DIGIT_WRONG", Some('X')));
    assert!(!holder.detail.contains("1101051949"), "{}", holder.detail);
    let department = rejection(&[("issue_dept_code", "11370100XXXX00002X")]).await;
    assert_eq!((department.reason.as_str(), department.right_check_digit), ("CHECK_DIGIT_WRONG", Some('U')));
    let second = rejection(&[("certificate_holder_code", "11010519491231002X,110105194912310021")]).await;
    assert!(second.detail.contains("holder 2"), "{}", second.detail);
}

#[test]
fn missing_columns_are_named_with_the_near_ones() {
    let header = HEADER.replace("certificate_holder_code", "certificate_holder_cod");
    let header: StringRecord = header.split(',').collect::<Vec<_>>().into();
    let missing = Columns::new(&header).unwrap_err();
    let near = Some("certificate_holder_cod".to_owned());
    assert_eq!(missing.columns, [("certificate_holder_code", near)]);
}

#[test]
fn names_and_codes_of_holders_codes_are_understood() {
    for (text, code) in [
        ("111", Some("111")),
        ("统一社会信用代码", Some("001")),
        ("公民身份号码，护照", None),
        ("身份证,001", Some("111,001")),
    ] {
        assert_eq!(code_type::code(text).as_deref(), code, "{text}");
    }
}

/// All rows of a file.
fn read_all(bytes: &[u8], encoding: Option<Encoding>) -> Result<Vec<Read>, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    fs::write(&path, bytes).unwrap();
    let options = Options { encoding, ..Options::new(&path) };
    let source = read::open(&options, &ProgressBar::hidden())?;
    let (out, mut rows) = mpsc::channel(10_000);
    source.send_all(&path, &out);
    drop(out);
    std::iter::from_fn(|| rows.blocking_recv()).collect()
}

#[test]
fn encodings_are_found_out() {
    let text = "a,b\n济南,\"两行\n一格\"\n青岛,x\n";
    let (gb, ..) = encoding_rs::GB18030.encode(text);
    let marked = [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat();
    for (name, bytes) in [("UTF-8", text.as_bytes()), ("with a mark", &marked), ("GB18030", &gb)] {
        let rows = read_all(bytes, None).unwrap();
        assert_eq!(rows.len(), 2, "{name}");
        assert_eq!(rows[0].record.iter().collect::<Vec<_>>(), ["济南", "两行\n一格"], "{name}");
        assert_eq!((rows[0].line, rows[1].line), (2, 4), "{name}");
    }
}

#[test]
fn characters_cut_by_a_buffer_are_read_whole() {
    let mut text = "a,b\n".to_owned();
    for index in 0..60_000 {
        text.push_str(&format!("{index},济南市样例路\n"));
    }
    assert!(text.len() > 1 << 20, "more than is looked at for the encoding");
    let (gb, ..) = encoding_rs::GB18030.encode(&text);
    for bytes in [text.as_bytes(), &gb] {
        let count = std::thread::scope(|_| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("rows.csv");
            fs::write(&path, bytes).unwrap();
            let source = read::open(&Options::new(&path), &ProgressBar::hidden()).unwrap();
            let (out, mut rows) = mpsc::channel(100_000);
            source.send_all(&path, &out);
            drop(out);
            let mut count = 0;
            while let Some(row) = rows.blocking_recv() {
                assert_eq!(row.unwrap().record.get(1), Some("济南市样例路"));
                count += 1;
            }
            count
        });
        assert_eq!(count, 60_000);
    }
}

#[test]
fn neither_encoding_is_refused_and_a_single_bad_row_is_not() {
    assert!(matches!(read_all(b"a,b\n\xff\xff\xff,x\n", None), Err(Error::Encoding { .. })));
    let rows = read_all(b"a,b\n\xff,x\nc,d\n", Some(Encoding::Utf8)).unwrap();
    assert!(rows[0].record[0].contains('\u{fffd}'));
    assert_eq!(&rows[1].record[0], "c");
}

#[test]
fn rejected_rows_come_with_line_reason_and_all_columns_and_can_be_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.rejected.csv");
    fs::write(&path, "of an earlier run").unwrap();
    let header: StringRecord = vec!["a", "b"].into();
    let mut file = RejectedFile::create(path.clone(), &header).unwrap();
    assert!(!path.exists(), "an earlier run's file is gone");
    let row = Read { line: 7, record: vec!["济南", "两\n行"].into() };
    let rejection =
        Rejection { reason: "CHECK_DIGIT_WRONG".into(), detail: "ends in '1'".into(), right_check_digit: Some('X') };
    file.write(&row, &rejection).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let expected = "\u{feff}rejected_line,rejected_reason,rejected_detail,right_check_digit,a,b\n\
                    7,CHECK_DIGIT_WRONG,ends in '1',X,济南,\"两\n行\"\n";
    assert_eq!(text, expected);
    // Rejected again, it does not gather columns.
    let options = Options::new(&path);
    let source = read::open(&options, &ProgressBar::hidden()).unwrap();
    let again = RejectedFile::create(folder.path().join("again.csv"), &source.header).unwrap();
    let (out, mut rows) = mpsc::channel(10);
    source.send_all(&path, &out);
    let mut again = again;
    again.write(&rows.blocking_recv().unwrap().unwrap(), &rejection).unwrap();
    let twice = fs::read_to_string(folder.path().join("again.csv")).unwrap();
    assert_eq!(twice, expected.replace("\n7,", "\n2,"));
}
