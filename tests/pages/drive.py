"""Drives the page of an alert as a person with a phone does, with JavaScript off (R6.6). Arguments: API, messages, folder for
the screenshots. Speaks WebDriver (W3C) with chromedriver itself: nothing to install but Debian's chromium-driver."""
import base64, json, pathlib, re, subprocess, sys, time, urllib.error, urllib.request

API, MESSAGES, SHOTS = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
DRIVER = "http://127.0.0.1:18092"
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
WIDTH, HEIGHT = 390, 844


def call(method, url, body=None, token=None):
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers, method=method)
    return json.load(urllib.request.urlopen(request, timeout=60))


def sign_in(name):
    address = {"kind": "email", "value": f"{name}@example.org"}
    return call("POST", API + "/v1/auth/sessions", {"address": address, "pin": "4829"})["access_token"]


def link(name):
    """The path of the link in the newest alarm about Aroha that somebody was mailed."""
    for _ in range(600):
        for message in reversed(call("GET", MESSAGES + "/messages")):
            found = re.search(r"/a/[0-9A-Za-z]{29}", message["text"])
            if found and message["to"] == f"{name}@example.org" and "Aroha did not check in" in message["text"]:
                return found[0]
        time.sleep(0.1)
    sys.exit(f"no link came to {name}")


class Phone:
    def __init__(self):
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
                   "mobileEmulation": {"deviceMetrics": {"width": WIDTH, "height": HEIGHT, "pixelRatio": 2.0, "touch": True}}}
        answer = call("POST", DRIVER + "/session", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}})
        self.session = f"{DRIVER}/session/{answer['value']['sessionId']}"
        self.cdp("Emulation.setScriptExecutionDisabled", value=True)

    def send(self, path, **body):
        return call("POST", self.session + path, body)["value"]

    def cdp(self, command, **params):
        return self.send("/goog/cdp/execute", cmd=command, params=params)

    def dark(self, is_dark):
        features = [{"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}]
        self.cdp("Emulation.setEmulatedMedia", features=features)

    def open(self, path):
        self.send("/url", url=API + path)

    def all(self, css):
        return [found[ELEMENT] for found in self.send("/elements", using="css selector", value=css)]

    def one(self, css):
        return self.all(css)[0]

    def press(self, css, key="\ue007"):
        # By the keyboard: chromedriver's click waits for scripts, and there are none.
        self.send(f"/element/{self.one(css)}/value", text=key)

    def type(self, css, text):
        self.send(f"/element/{self.one(css)}/value", text=text)

    def of(self, element, what):
        return call("GET", f"{self.session}/element/{element}/{what}")["value"]

    def text(self):
        return self.of(self.one("main"), "text")

    def wait_for(self, name, words):
        for _ in range(100):
            try:
                text = self.text()
            except (urllib.error.HTTPError, IndexError):
                text = ""  # of the page that is going
            if all(word in text for word in words):
                return
            time.sleep(0.1)
        sys.exit(f"{name}: {words} are not all in:\n{text}")

    def shoot(self, name):
        shot = self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        (SHOTS / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def check(self, name, *words):
        """What must hold of every page: large type, targets for thumbs, nothing wider than the phone, contrast."""
        self.wait_for(name, words)
        for element in self.all("p, li, dd, label, button, a.button, summary, select, textarea"):
            rect = self.of(element, "rect")
            assert rect["x"] >= 0 and rect["x"] + rect["width"] <= WIDTH, f"{name}: wider than the phone: {rect}"
            assert float(self.of(element, "css/font-size")[:-2]) >= 17, f"{name}: small type"
        for element in self.all("button, a.button, summary, select"):
            rect = self.of(element, "rect")
            assert rect["height"] == 0 or rect["height"] >= 56, f"{name}: too low for a thumb: {rect}"
            ink, paper = (colour(self.of(element, f"css/{which}")) for which in ("color", "background-color"))
            assert contrast(ink, paper) >= 4.5, f"{name}: contrast {contrast(ink, paper):.1f}"
        self.shoot(name)


def colour(css):
    parts = [float(part) for part in re.findall(r"[\d.]+", css)]
    return parts[:3] if len(parts) < 4 or parts[3] > 0 else None


def contrast(ink, paper):
    """WCAG 2.2, 1.4.3."""
    def light(rgb):
        linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    high, low = sorted((light(ink), light(paper)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def main(phone):
    aroha, ben, chloe = sign_in("aroha"), sign_in("ben"), sign_in("chloe")
    # R7.7: Ben reads English, Chloe Spanish.
    call("PATCH", API + "/v1/me", {"language": "es"}, chloe)
    card = {"address": "Rata Street 4, Auckland", "door_code": "4711#", "key_holder": "Mrs Kowhai next door, 09 555 0100",
            "try_first": "Ring twice, then knock at the kitchen window.\nShe does not hear the telephone in the garden.", "medicines": "Warfarin 3 mg"}
    call("PUT", API + "/v1/me/welfare-card", card, aroha)
    bens, chloes = link("ben"), link("chloe")
    for is_dark in (False, True):
        phone.dark(is_dark)
        phone.open(bens)
        phone.check("open-dark" if is_dark else "open", "Aroha did not check in", "Call Aroha", "I’ve got this", "Also told: Chloe")
    phone.dark(False)
    phone.open(chloes)
    phone.check("open-spanish", "Aroha no ha avisado que está bien", "Llamar a Aroha", "Me encargo yo", "También lo saben: Ben")
    phone.open(bens)
    phone.type("select", "in half")
    phone.press("button.main")
    phone.check("got-it", "You have this", "you will be there at about")
    phone.press("input[value=show_card] ~ button")
    phone.check("card", "4711#", "Ring twice", "Mrs Kowhai")
    phone.open(chloes)
    phone.check("somebody-has-it", "Ben se encarga", "llegará hacia las")
    phone.press("summary")
    phone.press("input[value=got_help]", " ")
    phone.type("textarea", "She fell in the garden. The ambulance took her to Auckland City Hospital.")
    phone.check("closing", "¿Cómo está Aroha?")
    phone.dark(True)
    phone.check("closing-dark", "¿Cómo está Aroha?")
    phone.dark(False)
    phone.press("details button")
    phone.check("closed", "Usted la cerró", "ya tiene ayuda", "She fell in the garden")
    phone.open(bens)
    phone.check("closed-by-another", "Chloe closed it", "Aroha has not checked in")
    for name, path in (("unknown", "/a/nothing"), ("home", "/open")):
        phone.open(path)
        phone.check(name, "Pruuf")
    looks = call("GET", API + "/v1/me/welfare-card", token=aroha)["looks"]
    assert len(looks) == 1 and looks[0]["by"]["name"] == "Ben", looks
    print(f"as it should be; screenshots are in {SHOTS}")


SHOTS.mkdir(parents=True, exist_ok=True)
driver = subprocess.Popen(["chromedriver", "--port=18092", "--log-level=SEVERE"], stdout=subprocess.DEVNULL)
try:
    for _ in range(200):
        try:
            call("GET", DRIVER + "/status")
            break
        except urllib.error.URLError:
            time.sleep(0.1)
    phone = Phone()
    try:
        main(phone)
    finally:
        call("DELETE", phone.session)
finally:
    driver.terminate()
    driver.wait()
