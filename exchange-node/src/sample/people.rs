//! Invented persons, firms and places. Their numbers carry 379999, a division that is not assigned.

use super::random::Numbers;
use exchange_core::{
    check_digit::{gb32100, mod_11_2},
    region::Region,
};

const SURNAMES: [&str; 32] = [
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马",
    "罗", "梁", "宋", "郑", "谢", "韩", "唐", "冯", "于", "董", "萧", "欧阳", "诸葛",
];
const GIVEN: [&str; 36] = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "秀英", "霞",
    "平", "刚", "桂英", "文博", "子涵", "雨桐", "浩然", "思远", "欣怡", "建国", "海燕", "玉兰", "志强", "晓东", "春梅",
    "立新", "永康",
];
const BRANDS: [&str; 24] = [
    "泉晟", "岱岳", "齐风", "鲁韵", "海岱", "云帆", "恒润", "锦程", "博远", "嘉禾", "汇通", "瑞丰", "天成", "永盛",
    "华泽", "德源", "万和", "信诚", "金穗", "蓝湾", "明湖", "千佛", "鸿翔", "正阳",
];
const TRADES: [&str; 16] = [
    "餐饮管理",
    "食品",
    "商贸",
    "物流",
    "运输",
    "建筑工程",
    "装饰工程",
    "信息技术",
    "机械制造",
    "医药",
    "农业科技",
    "文化传媒",
    "物业服务",
    "电子商务",
    "新能源",
    "环保科技",
];
const SCOPES: [&str; 8] = [
    "餐饮服务；食品销售",
    "食品销售（仅销售预包装食品）；日用百货销售",
    "道路货物运输（不含危险货物）；国内货物运输代理",
    "房屋建筑工程施工；市政公用工程施工",
    "软件开发；信息系统集成服务",
    "通用设备制造；金属制品销售",
    "农产品初加工；农作物种子经营",
    "物业管理；停车场服务；家政服务",
];
const ROADS: [&str; 12] = [
    "经十路",
    "解放路",
    "泉城路",
    "和平路",
    "建设路",
    "人民路",
    "文化路",
    "新华街",
    "幸福街",
    "工业南路",
    "滨河路",
    "振兴街",
];

/// A person.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) name: String,
    /// 公民身份号码.
    pub(super) number: String,
}

/// A firm.
#[derive(Debug, Clone)]
pub(super) struct Firm {
    pub(super) name: String,
    /// 统一社会信用代码.
    pub(super) uscc: String,
    pub(super) trade: &'static str,
}

pub(super) fn person(numbers: &mut Numbers) -> Person {
    let name = format!("{}{}", numbers.of(&SURNAMES), numbers.of(&GIVEN));
    let (year, month, day) = (numbers.within(1950, 2004), numbers.within(1, 12), numbers.within(1, 28));
    let first = format!("379999{year:04}{month:02}{day:02}{:03}", numbers.below(1_000));
    let check = mod_11_2(&first).unwrap_or('0');
    Person { name, number: format!("{first}{check}") }
}

pub(super) fn firm(numbers: &mut Numbers, city: &str) -> Firm {
    let trade = numbers.of(&TRADES);
    // 样例 says to everybody who sees one that the firm is none.
    let name = format!("{city}样例{}{trade}有限公司", numbers.of(&BRANDS));
    let first = format!("91379999MA{:07}", numbers.below(10_000_000));
    let check = gb32100(&first).unwrap_or('0');
    Firm { name, uscc: format!("{first}{check}"), trade }
}

pub(super) fn scope(numbers: &mut Numbers) -> &'static str {
    numbers.of(&SCOPES)
}

/// Counties of a city, by name.
pub(super) fn counties(region: Region) -> Vec<&'static str> {
    let city = &region.as_str()[..4];
    (1..100).filter_map(|number| Region::parse(&format!("{city}{number:02}")).ok()?.name()).collect()
}

pub(super) fn address(numbers: &mut Numbers, city: &str, counties: &[&str]) -> String {
    let county = if counties.is_empty() { "" } else { numbers.of(counties) };
    let (road, number) = (numbers.of(&ROADS), numbers.within(1, 298));
    format!("{city}{county}样例{road}{number}号")
}

pub(super) fn flat(numbers: &mut Numbers, city: &str, counties: &[&str]) -> String {
    let house = address(numbers, city, counties);
    let (building, unit) = (numbers.within(1, 30), numbers.within(1, 4));
    format!("{house}{building}号楼{unit}单元{}{:02}室", numbers.within(1, 32), numbers.within(1, 4))
}
