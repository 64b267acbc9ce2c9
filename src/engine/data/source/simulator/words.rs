//! The words that titles and descriptions are made of, in English and Chinese. No formula, only language.

/// Steps on the ring of a topic that have a name.
pub(super) const N_STEPS: usize = 8;

/// A topic: its name and the names of its steps, each in English and Chinese.
pub(super) struct Topic {
    pub(super) name: (&'static str, &'static str),
    pub(super) steps: [(&'static str, &'static str); N_STEPS],
}

const fn topic(
    name: (&'static str, &'static str),
    steps: [(&'static str, &'static str); N_STEPS],
) -> Topic {
    Topic { name, steps }
}

/// All topics.
#[rustfmt::skip]
pub(super) const TOPICS: [Topic; 20] = [
    topic(("cooking", "美食"), [("noodles", "面条"), ("dumplings", "饺子"), ("soup", "煲汤"), ("barbecue", "烧烤"), ("baking", "烘焙"), ("dessert", "甜点"), ("breakfast", "早餐"), ("salad", "沙拉")]),
    topic(("travel", "旅行"), [("mountains", "登山"), ("seaside", "海边"), ("old towns", "古镇"), ("desert", "沙漠"), ("night trains", "夜火车"), ("islands", "海岛"), ("camping", "露营"), ("road trips", "自驾")]),
    topic(("music", "音乐"), [("guitar", "吉他"), ("piano", "钢琴"), ("drums", "架子鼓"), ("singing", "唱歌"), ("folk songs", "民谣"), ("jazz", "爵士"), ("violin", "小提琴"), ("choir", "合唱")]),
    topic(("fitness", "健身"), [("stretching", "拉伸"), ("running", "跑步"), ("yoga", "瑜伽"), ("push-ups", "俯卧撑"), ("cycling", "骑行"), ("swimming", "游泳"), ("boxing", "拳击"), ("jump rope", "跳绳")]),
    topic(("cats", "猫咪"), [("kittens", "小奶猫"), ("cat toys", "逗猫棒"), ("grooming", "梳毛"), ("stray cats", "流浪猫"), ("cat food", "猫粮"), ("cat tricks", "猫咪训练"), ("sleepy cats", "睡觉的猫"), ("cat trees", "猫爬架")]),
    topic(("dogs", "狗狗"), [("puppies", "幼犬"), ("walks", "遛狗"), ("dog training", "训犬"), ("huskies", "哈士奇"), ("rescue dogs", "救助犬"), ("dog baths", "狗狗洗澡"), ("fetch", "捡球"), ("dog snacks", "狗零食")]),
    topic(("painting", "绘画"), [("sketching", "素描"), ("watercolour", "水彩"), ("oil colours", "油画"), ("calligraphy", "书法"), ("portraits", "肖像"), ("landscapes", "风景"), ("ink", "水墨"), ("murals", "壁画")]),
    topic(("gardening", "园艺"), [("seedlings", "育苗"), ("roses", "月季"), ("tomatoes", "番茄"), ("succulents", "多肉"), ("bonsai", "盆景"), ("compost", "堆肥"), ("herbs", "香草"), ("orchids", "兰花")]),
    topic(("chess", "棋类"), [("openings", "开局"), ("tactics", "战术"), ("endgames", "残局"), ("blitz", "快棋"), ("puzzles", "习题"), ("grandmasters", "大师对局"), ("go", "围棋"), ("xiangqi", "象棋")]),
    topic(("football", "足球"), [("dribbling", "盘带"), ("free kicks", "任意球"), ("goalkeepers", "守门员"), ("derbies", "德比"), ("penalties", "点球"), ("passing", "传球"), ("world cup", "世界杯"), ("street football", "街头足球")]),
    topic(("basketball", "篮球"), [("dunks", "扣篮"), ("three-pointers", "三分球"), ("crossovers", "变向"), ("rebounds", "篮板"), ("buzzer beaters", "绝杀"), ("streetball", "街球"), ("assists", "助攻"), ("defence", "防守")]),
    topic(("science", "科学"), [("volcanoes", "火山"), ("planets", "行星"), ("chemistry", "化学实验"), ("fossils", "化石"), ("magnets", "磁铁"), ("microscopes", "显微镜"), ("weather", "天气"), ("oceans", "海洋")]),
    topic(("woodwork", "木工"), [("joints", "榫卯"), ("carving", "木雕"), ("tables", "做桌子"), ("planes", "刨子"), ("toys", "木玩具"), ("varnish", "上漆"), ("chairs", "做椅子"), ("spoons", "木勺")]),
    topic(("photography", "摄影"), [("street photos", "街拍"), ("macro", "微距"), ("night sky", "星空"), ("film cameras", "胶片机"), ("lighting", "布光"), ("birds", "拍鸟"), ("editing", "修图"), ("black and white", "黑白")]),
    topic(("dance", "舞蹈"), [("hip-hop", "街舞"), ("ballet", "芭蕾"), ("tango", "探戈"), ("lion dance", "舞狮"), ("salsa", "萨尔萨"), ("square dance", "广场舞"), ("breaking", "霹雳舞"), ("tap", "踢踏舞")]),
    topic(("tea", "茶艺"), [("green tea", "绿茶"), ("oolong", "乌龙"), ("teapots", "紫砂壶"), ("matcha", "抹茶"), ("black tea", "红茶"), ("tea fields", "茶园"), ("pu-erh", "普洱"), ("milk tea", "奶茶")]),
    topic(("history", "历史"), [("bronze", "青铜器"), ("castles", "城堡"), ("silk road", "丝绸之路"), ("porcelain", "瓷器"), ("maps", "古地图"), ("dynasties", "朝代"), ("ships", "古船"), ("inventions", "发明")]),
    topic(("computers", "电脑"), [("keyboards", "键盘"), ("building a PC", "装机"), ("retro games", "怀旧游戏"), ("programming", "编程"), ("robots", "机器人"), ("networks", "网络"), ("repairs", "维修"), ("3D printing", "3D打印")]),
    topic(("fashion", "穿搭"), [("sewing", "缝纫"), ("hanfu", "汉服"), ("sneakers", "球鞋"), ("scarves", "围巾"), ("vintage", "复古"), ("knitting", "编织"), ("hats", "帽子"), ("embroidery", "刺绣")]),
    topic(("comedy", "搞笑"), [("sketches", "小品"), ("stand-up", "脱口秀"), ("pranks", "整蛊"), ("crosstalk", "相声"), ("impressions", "模仿"), ("office jokes", "办公室"), ("family jokes", "家庭"), ("bloopers", "花絮")]),
];

/// Adjectives and their Chinese counterparts.
#[rustfmt::skip]
pub(super) const ADJECTIVES: [(&str, &str); 16] = [
    ("quiet", "安静的"), ("simple", "简单的"), ("golden", "金色的"), ("tiny", "迷你"), ("patient", "耐心的"), ("early", "清晨的"),
    ("bright", "明亮的"), ("honest", "真实的"), ("slow", "慢节奏"), ("warm", "温暖的"), ("clever", "巧妙的"), ("fresh", "新鲜的"),
    ("classic", "经典"), ("wild", "野生"), ("rainy-day", "雨天的"), ("weekend", "周末"),
];

/// Nouns for a short film.
#[rustfmt::skip]
pub(super) const FILM_NOUNS: [(&str, &str); 12] = [
    ("in one minute", "一分钟学会"), ("step by step", "详细教程"), ("for beginners", "新手入门"), ("diary", "日记"), ("challenge", "挑战"), ("at home", "在家做"),
    ("with grandma", "和奶奶一起"), ("tips", "小技巧"), ("mistakes", "常见错误"), ("masterclass", "大师课"), ("behind the scenes", "幕后"), ("compilation", "合集"),
];

/// Exclamations of loud covers.
#[rustfmt::skip]
pub(super) const LOUD: [(&str, &str); 4] = [
    ("You won't believe this:", "震惊！"), ("SHOCKING", "不看后悔！"), ("Wait for the end:", "结局亮了！"), ("Everyone is talking about", "全网都在看："),
];

/// Nouns for a product.
#[rustfmt::skip]
pub(super) const PRODUCT_NOUNS: [(&str, &str); 12] = [
    ("starter set", "入门套装"), ("handbook", "手册"), ("tool kit", "工具箱"), ("gift box", "礼盒"), ("travel case", "收纳包"), ("deluxe edition", "豪华版"),
    ("refill pack", "补充装"), ("calendar", "日历"), ("apron", "围裙"), ("workshop", "课程"), ("stand", "支架"), ("poster", "海报"),
];

/// Materials of a product.
#[rustfmt::skip]
pub(super) const MATERIALS: [(&str, &str); 8] = [
    ("bamboo", "竹"), ("steel", "钢"), ("cotton", "棉"), ("oak", "橡木"), ("paper", "纸"), ("ceramic", "陶瓷"), ("leather", "皮革"), ("glass", "玻璃"),
];

/// Parts of an author's name.
#[rustfmt::skip]
pub(super) const AUTHOR_NAMES: [(&str, &str); 12] = [
    ("Studio", "工作室"), ("Uncle", "大叔"), ("Miss", "小姐姐"), ("Daily", "日常"), ("Old", "老"), ("Little", "小"),
    ("Master", "大师"), ("Happy", "快乐"), ("Doctor", "博士"), ("North", "北方"), ("River", "江边"), ("Cloud", "云上"),
];
