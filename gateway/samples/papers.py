"""The demo's papers: a scanned letter, a form in black and white, a report as text.

Everyone in them is invented.
"""

from __future__ import annotations

import textwrap
from io import BytesIO
from random import Random

from PIL import Image, ImageChops

from gateway.samples.pdf import Line, Scan, TextPage, scanned_pdf, text_pdf
from gateway.samples.sheet import A4, DPI, Sheet

_HOUSE = "Lindenhof Clinic"
_ADDRESS = ("Lindenallee 12 · 50667 Köln", "Department of Cardiology", "Tel. 0221 555 01 20")
_PATIENT = "Erika Mustermann, born 12 August 1964"

_COURSE = (
    "Dear colleague, thank you for referring the patient named above, whom we treated as an "
    "in-patient from 3 to 9 March. She reported shortness of breath on climbing one flight of "
    "stairs, and two nights of waking with a racing heart, without chest pain and without fever.",
    "On admission she was alert and in good general condition. Heart sounds were regular with a "
    "soft systolic murmur over the apex; the lungs were clear. There was slight pitting oedema of "
    "both ankles, and the veins of the neck were not distended.",
    "The echocardiogram showed a left ventricle of normal size with an ejection fraction of 54 %, "
    "mild mitral regurgitation, and no sign of a thrombus. The 24-hour recording found three "
    "episodes of atrial fibrillation, the longest lasting forty minutes.",
    "We began anticoagulation after weighing the risk of bleeding, and slowed the rate with a "
    "small dose of a beta blocker, which she tolerated well. Under a diuretic the oedema went "
    "down within four days and her weight fell from 74.2 to 71.8 kg.",
)
_ADVICE = (
    "We recommend that the new tablets be continued unchanged for three months, that blood "
    "pressure be written down every morning, and that kidney function and potassium be checked "
    "in two weeks.",
    "We explained the condition and the reasons for anticoagulation to the patient and her "
    "husband in detail; both had time for questions. She knows which signs should bring her back "
    "to us at once.",
    "Sport is welcome as long as she can talk while doing it. We ask her to avoid liquorice, to "
    "drink about one and a half litres a day, and to weigh herself every second morning; a gain "
    "of more than two kilograms within three days is a reason to call you.",
    "An appointment in our out-patient department has been made for 12 June at 10:30. Please send "
    "the latest laboratory values along. Thank you for the good cooperation.",
)
_CONSENT = (
    "I was told in a conversation, in words that I understood, which examinations are planned, "
    "why they are useful in my case, and which risks they carry. My questions were answered.",
    "I know that I can withdraw my consent at any time without giving a reason, and that this "
    "will not change how I am treated otherwise.",
    "My records are kept for ten years. They are seen by those who treat me and by nobody else, "
    "unless I agree below or a law demands it. I may read them whenever I wish, and I may ask "
    "for a copy.",
)
_LABORATORY = (
    ("Value", "3 March", "6 March", "9 March", "Reference"),
    ("Haemoglobin", "13.1", "12.9", "13.0", "12.0 - 15.5 g/dl"),
    ("Leukocytes", "7.4", "6.8", "6.5", "4.0 - 10.0 /nl"),
    ("Creatinine", "0.91", "0.95", "0.89", "0.50 - 0.95 mg/dl"),
    ("Potassium", "3.7", "4.1", "4.3", "3.5 - 5.1 mmol/l"),
    ("NT-proBNP", "812", "540", "310", "< 125 pg/ml"),
    ("TSH", "2.1", "-", "-", "0.4 - 4.0 mU/l"),
    ("CRP", "4.2", "2.0", "1.1", "< 5.0 mg/l"),
)
_TABLETS = (
    ("Medicine", "Dose", "Morning", "Noon", "Evening"),
    ("Apixaban", "5 mg", "1", "-", "1"),
    ("Bisoprolol", "2.5 mg", "1", "-", "-"),
    ("Candesartan", "8 mg", "1", "-", "-"),
    ("Torasemide", "10 mg", "1/2", "-", "-"),
)


def discharge_letter() -> bytes:
    """Three scanned pages as a PDF: a little crooked, a little dusty, each in its own way."""
    random = Random("scanner")
    sheets = [_first_page(), _laboratory_page(), _last_page()]
    scans = [_scanned(sheet.image, random) for sheet in sheets]
    return scanned_pdf(scans)


def intake_form() -> bytes:
    """Three pages in black and white, as a fax or an archive keeps them (TIFF, group 4)."""
    first, *rest = [sheet.image.convert("1", dither=Image.Dither.NONE) for sheet in _form()]
    out = BytesIO()
    options = {"compression": "group4", "dpi": (DPI, DPI), "append_images": rest}
    first.save(out, "TIFF", save_all=True, **options)
    return out.getvalue()


def report() -> bytes:
    """Two pages of text as a PDF."""
    return text_pdf([_report_page(1, _COURSE, _LABORATORY), _report_page(2, _ADVICE, _TABLETS)])


def _first_page() -> Sheet:
    sheet = Sheet()
    sheet.letterhead(_HOUSE, _ADDRESS)
    sheet.paragraph("Dr. med. Jürgen Ahrens · Family practice · Rosenweg 4 · 50823 Köln")
    sheet.y += 40
    sheet.heading("Discharge letter", 52)
    sheet.heading(_PATIENT, 32)
    sheet.heading("Diagnoses")
    for line in ("Paroxysmal atrial fibrillation, first found", "Arterial hypertension, treated"):
        sheet.paragraph(f"·  {line}")
    sheet.heading("Course and findings")
    for text in _COURSE:
        sheet.paragraph(text)
    sheet.footer("Lindenhof Clinic · page 1 of 3 · sample document, everyone in it is invented")
    return sheet


def _laboratory_page() -> Sheet:
    sheet = Sheet()
    sheet.heading("Laboratory", 52)
    sheet.heading(_PATIENT, 32)
    sheet.table((330, 200, 200, 200, 380), _LABORATORY)
    sheet.heading("Medication at discharge")
    sheet.table((430, 220, 220, 220, 220), _TABLETS)
    sheet.paragraph(
        "The dose of bisoprolol may be doubled if the resting pulse stays above 80 per minute. "
        "Torasemide can be ended once the ankles have stayed slim for two weeks."
    )
    sheet.heading("Electrocardiogram at rest")
    sheet.paragraph(
        "Sinus rhythm, 68 per minute, normal axis. PQ 168 ms, QRS 92 ms, QTc 421 ms. No changes "
        "of the ST segment. Compared with the recording of 3 March the atrial fibrillation has "
        "ended."
    )
    sheet.footer("Lindenhof Clinic · page 2 of 3 · sample document, everyone in it is invented")
    return sheet


def _last_page() -> Sheet:
    sheet = Sheet()
    sheet.heading("Assessment and advice", 52)
    for text in _ADVICE:
        sheet.paragraph(text)
    sheet.y += 60
    sheet.paragraph("With kind regards")
    sheet.signature("Prof. Dr. med. Söhnke Öztürk, head of department")
    sheet.signature("Dr. med. Anneliese Kühn, ward physician")
    sheet.footer("Lindenhof Clinic · page 3 of 3 · sample document, everyone in it is invented")
    return sheet


def _form() -> list[Sheet]:
    person, history, consent = Sheet(), Sheet(), Sheet()
    person.letterhead(_HOUSE, _ADDRESS)
    person.heading("Admission form", 52)
    for label, written in (
        ("Surname, first name", "Mustermann, Erika"),
        ("Date of birth", "12.08.1964"),
        ("Street and number", "Heideweg 17"),
        ("Postcode and town", "51147 Köln"),
        ("Health insurance, number", "AOK Musterland   A 123 456 780"),
        ("Family doctor", "Dr. Jürgen Ahrens, Rosenweg 4"),
        ("In an emergency please call", "Max Mustermann (husband)   0221 555 77 31"),
    ):
        person.field(label, written)
    history.heading("Medical history", 52)
    history.paragraph("Please tick whatever applies to you. If you are not sure, leave it open.")
    for label, ticked in (
        ("High blood pressure", True), ("Diabetes", False), ("Thyroid disease", False),
        ("Palpitations or an irregular pulse", True), ("Shortness of breath on stairs", True),
        ("Stroke or passing paralysis", False), ("Surgery in the last twelve months", False),
        ("Allergy to a medicine", True), ("Smoking", False), ("Regular medicines", True),
    ):  # fmt: skip
        history.tick(label, ticked)
    history.y += 30
    history.field("Allergies", "Penicillin (rash)")
    history.field("Medicines", "Candesartan 8 mg, in the morning")
    consent.heading("Consent", 52)
    for text in _CONSENT:
        consent.paragraph(text)
    consent.tick("I agree that my family doctor receives the letter", True)
    consent.tick("I agree to be called about appointments", True)
    consent.y += 80
    consent.signature("Erika Mustermann, Köln, 3 March")
    consent.signature("Dr. med. Anneliese Kühn, ward physician")
    for number, sheet in enumerate((person, history, consent), 1):
        sheet.footer(f"Form A-7 · page {number} of 3 · sample document, everyone is invented")
    return [person, history, consent]


def _scanned(page: Image.Image, random: Random) -> Scan:
    """The sheet as it comes out of a scanner: turned, greyish, uneven, with dust."""
    angle = random.uniform(-0.9, 0.9)
    turned = page.rotate(angle, Image.Resampling.BICUBIC, fillcolor=250)
    shade = (
        Image.linear_gradient("L").rotate(90).resize(A4).point([238 + v // 16 for v in range(256)])
    )
    paper = ImageChops.multiply(turned, shade)
    noise = Image.frombytes("L", A4, random.randbytes(A4[0] * A4[1])).point(
        [v // 20 for v in range(256)]
    )
    dusty = ImageChops.subtract(paper, noise)
    for _ in range(40):
        x, y, size = random.randrange(A4[0]), random.randrange(A4[1]), random.randrange(1, 4)
        dusty.paste(random.randrange(90, 200), (x, y, x + size, y + size))
    out = BytesIO()
    dusty.save(out, "JPEG", quality=62, optimize=True, dpi=(DPI, DPI))
    return Scan(out.getvalue(), *A4)


def _report_page(
    number: int, texts: tuple[str, ...], table: tuple[tuple[str, ...], ...]
) -> TextPage:
    lines = [Line(60, 775, _HOUSE, 20, "/B"), Line(60, 758, " · ".join(_ADDRESS), 8)]
    boxes = [(60.0, 748.0, 475.0, 1.5, 0.35)]
    lines.append(Line(60, 712, "Befund" if number == 1 else "Beurteilung und Empfehlung", 15, "/B"))
    lines.append(Line(60, 694, _PATIENT, 10, "/B"))
    y = 664.0
    for text in texts:
        for line in textwrap.wrap(text, 98):
            lines.append(Line(60, y, line))
            y -= 14
        y -= 8
    for row, cells in enumerate(table):
        y -= 20
        shade = 0.88 if row == 0 else 0.97 - 0.02 * (row % 2)
        boxes.append((60, y - 6, 475, 19, shade))
        font = "/B" if row == 0 else "/R"
        lines += [Line(68 + 94 * at, y, cell, 9.5, font) for at, cell in enumerate(cells)]
    note = f"Page {number} of 2 · sample document, everyone in it is invented"
    lines.append(Line(60, 50, note, 8))
    return TextPage(lines, boxes)
