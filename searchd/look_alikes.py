"""Characters that are taken for one another by their shape, for correcting what was read or scanned wrongly; written for this project."""

from functools import cache

_GROUPS = (
    "己已巳 未末 土士 人入八 日曰目 大太犬 天夫 千干于 午牛 戊戌戍 折拆析 晴睛 情清请晴 辨辩辫瓣 拨拔 "
    "侯候 栗粟 徒徙 裹里 幻幼 冶治 崇祟 券卷 密蜜 赢羸嬴 撤撒 茶荼 孤狐弧 今令 刀力 鸟乌 兔免 买卖 "
    "田由甲申 问间 处外 斤斥 历厉 名各 哀衰 埋理 堆推 塞赛 慕幕墓暮 木本术 桔梧 氏民 沾粘 汆氽 炙灸 "
    "玉王主 甩用 画面 皿血 矢失 秃秀 第弟 管菅 紧繁 绿缘 耍要 肓盲 肆肄 苍仓 萧肃 蓝篮 薄簿 虚虑 诀决 "
    "谈淡 跑泡炮 轮论伦 辛幸 逐遂 遣遗 钓钩 铃玲 锻锻 阴阳 陈阵 陪倍培 隐稳 雪雷 须顷 饮饭 马鸟 驱躯 "
    "鸣呜 丐丏 仑仓 伙火 佳住 侍待 低底 倾顷 傅傍 具真 典曲 冢家 勾匀 勿匆 卯卵 厂广 参叁 叉又 古右 "
    "句旬 召昭 史吏 呆杏 周同 唾睡 喝渴 囚因 困因 坐座 坏怀 垂重 夭天 失夫 奋奔 妄忘 妹姝 字宇 孩该 "
    "官宫 宜宣 容客 尤龙 尸户 崖涯 师帅 币市 帆帜 干千 延廷 弛驰 徽微 恨很 惭渐 抄炒 抓爪 拢扰 括活 "
    "持特 挡档 捐损 据剧 提堤 揭竭 摘滴 撞幢 教数 斑班 旁劳 旦且 旱早 明朋 易昜 昔借 晓烧 暖缓 朱末 "
    "杆秆 杨扬 构沟购 柱拄 栋拣 校较 根跟 桃挑 梅悔 棵颗 模摸 橙澄 欢劝 歌哥 毫亳 汗汁 池他 沙纱 洋样 "
    "流留 浇烧 浪狼 渔鱼 温湿 源原 滩摊 烂拦 燥躁 爪瓜 版板 狼狠 珠株 球求 瑞端 甘廿 男勇 疗辽 盆盒 "
    "盐监 着看 睬踩 瞪蹬 砍坎 破坡 礼扎 祖租 种钟 科料 移多 程逞 窄穿 立位 章童 竿竽 笑第 筒简 籍藉 "
    "粗组 糖塘 系糸 纪记 经径轻 结洁 给拾 绝纯 罚罪 群郡 老考 耸茸 聊柳 背肯 胀涨 胆担 脚却 腊蜡猎 "
    "膊博搏 艰限 芬纷 苦若 荡汤 莫草 营管 蕉焦 虫中 蛇驼 蝇绳 衣农 被披 袖抽 裁栽载 西酉 观现规 订钉 "
    "讲进 设没 访防 评苹 词司 诚城 语悟 误娱 课棵 谊宜 贝见 货贷贸 费贵 贴站 赏尝 赶赴 超越 距拒 踏蹋 "
    "车东 转传 软欠 迁还 近进 迈过 送迷 适活 选洗 递梯 遍偏 邮油 部陪 郊效 配酸 采彩 野舒 针钉 钱线 "
    "铁轶 银很 错借 镜境 长张 闪闲 闻闷 阅阋 除徐 险验检 隔融 难谁 静净 顶项 顺须 预矛 颈颊 题提 颜额 "
    "饱抱 饶绕 馆管 骑倚 骗编 高亮 魂魄 鲁鱼 黑墨 "
)


@cache
def _by_character() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for group in _GROUPS.split():
        for character in group:
            found.setdefault(character, set()).update(group)
    return {character: frozenset(group - {character}) for character, group in found.items()}


def look_alikes(word: str) -> list[str]:
    """The word with one character put for another that looks like it, every way."""
    found = _by_character()
    return [word[:i] + other + word[i + 1 :] for i, character in enumerate(word) for other in sorted(found.get(character, ()))]
