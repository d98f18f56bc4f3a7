"""Render text to read: lines for recognition, pages for detection, and tables.

Run in the environment `render` (Pillow, jieba) with a job of `lines`, `pages`, `tables`, `seed`,
`fonts`, `plain` and `out`: an .npz of `lines` (uint8, N x 48 x 320 x 3), `pages` (uint8,
M x 640 x 640 x 3) and `tables` (uint8, T x 488 x 488 x 3); texts of the lines are printed, as JSON.
Blur, noise, tilt and low contrast are such that FP32 recognition reads about 70% of the lines
right: then small damage to the weights shows. Where `plain` is true, lines lack blur and noise.
"""

import json
import random
import sys

import jieba
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

HEIGHT, WIDTH, PAGE, TABLE = 48, 320, 640, 488
ENGLISH = (
    "the quick brown fox jumps over a lazy dog mobile engineers release models every week while "
    "nobody reads their notes about weights scales rounding errors and answers on small phones"
).split()


def main():
    """Render what the job asks for."""
    with open(sys.argv[1]) as stream:
        job = json.load(stream)
    rng = random.Random(job["seed"])
    noise = np.random.default_rng(job["seed"])
    jieba.initialize()
    known = set(open(job["characters"], encoding="utf-8").read().split("\n"))
    words = sorted(
        word
        for word, count in jieba.dt.FREQ.items()
        if count > 500 and len(word) > 1 and set(word) <= known
    )
    lines, texts = [], []
    for _ in range(job["lines"]):
        text = some_text(rng, words)
        line = render_line(rng, text, job["fonts"])
        lines.append(line if job["plain"] else spoil(line, rng, noise))
        texts.append(text)
    pages = [render_page(rng, noise, words, job["fonts"]) for _ in range(job["pages"])]
    tables = [render_table(rng, noise, words, job["fonts"]) for _ in range(job["tables"])]
    np.savez(
        job["out"],
        lines=np.array(lines, np.uint8).reshape(-1, HEIGHT, WIDTH, 3),
        pages=np.array(pages, np.uint8).reshape(-1, PAGE, PAGE, 3),
        tables=np.array(tables, np.uint8).reshape(-1, TABLE, TABLE, 3),
    )
    print(json.dumps(texts))


def some_text(rng, words):
    """Chinese words, English words, or a code of letters and digits."""
    kind = rng.random()
    if kind < 0.6:
        text = "".join(rng.choice(words) for _ in range(rng.randint(2, 5)))
        return text[: rng.randint(5, 12)]
    if kind < 0.8:
        return " ".join(rng.choice(ENGLISH) for _ in range(rng.randint(2, 4)))
    return "".join(
        rng.choice("23456789ABCDEFGHJKLMNPQRSTUVWXYZ-/.") for _ in range(rng.randint(8, 16))
    )


def render_line(rng, text, fonts):
    """The text in the middle of a strip of 48 x 320, as large as fits."""
    font_file = rng.choice(fonts)
    background, ink = colours(rng)
    image = Image.new("RGB", (WIDTH, HEIGHT), background)
    size = rng.randint(22, 36)
    while True:
        font = ImageFont.truetype(font_file, size)
        left, top, right, bottom = font.getbbox(text)
        if right - left < WIDTH - 8 or size <= 10:
            break
        size -= 2
    draw = ImageDraw.Draw(image)
    y = (HEIGHT - (bottom - top)) / 2 - top + rng.uniform(-2, 2)
    draw.text((4 - left + rng.uniform(0, 6), y), text, font=font, fill=ink)
    return image.rotate(rng.uniform(-3.5, 3.5), Image.BICUBIC, fillcolor=background)


def render_page(rng, noise, words, fonts):
    """A page of lines of several sizes, fonts and colours."""
    background, _ = colours(rng)
    image = Image.new("RGB", (PAGE, PAGE), background)
    y = rng.randint(8, 40)
    while y < PAGE - 40:
        size = rng.randint(12, 40)
        font = ImageFont.truetype(rng.choice(fonts), size)
        ink = tuple(
            rng.randint(0, 90) if sum(background) > 380 else rng.randint(165, 255) for _ in "rgb"
        )
        draw = ImageDraw.Draw(image)
        x = rng.randint(5, 200)
        draw.text((x, y), some_text(rng, words), font=font, fill=ink)
        if rng.random() < 0.5:
            draw.text((x + 300, y), some_text(rng, words)[:8], font=font, fill=ink)
        y += int(size * rng.uniform(1.3, 2.5))
    image = image.rotate(rng.uniform(-4, 4), Image.BICUBIC, fillcolor=background)
    return spoil(image, rng, noise)


def render_table(rng, noise, words, fonts):
    """A table with some rows and columns; some cells span two columns, some tables lack rules."""
    background, ink = colours(rng)
    image = Image.new("RGB", (TABLE, TABLE), background)
    draw = ImageDraw.Draw(image)
    columns, size = rng.randint(2, 6), rng.randint(11, 18)
    width, height = (TABLE - 8) // columns, size + rng.randint(8, 18)
    rows = min(rng.randint(3, 12), (TABLE - 8) // height)
    ruled = rng.random() < 0.7
    font = ImageFont.truetype(rng.choice(fonts), size)
    for row in range(rows):
        column = 0
        while column < columns:
            span = 2 if rng.random() < 0.1 and column + 1 < columns else 1
            left, top = 4 + column * width, 4 + row * height
            if ruled:
                box = (left, top, left + span * width, top + height)
                draw.rectangle(box, outline=ink)
            text = some_text(rng, words)
            while font.getlength(text) > span * width - 6 and len(text) > 1:
                text = text[:-1]
            draw.text((left + 4, top + (height - size) // 2 - 2), text, font=font, fill=ink)
            column += span
    return spoil(image, rng, noise)


def colours(rng):
    """A background, and an ink that can be told from it."""
    light = tuple(rng.randint(150, 255) for _ in "rgb")
    contrast = rng.randint(75, 160)
    dark = tuple(max(0, value - contrast - rng.randint(0, 40)) for value in light)
    return (light, dark) if rng.random() < 0.8 else (dark, light)


def spoil(image, rng, noise):
    """Blur, scale down and up, and add noise."""
    if rng.random() < 0.5:
        factor = rng.uniform(0.5, 0.85)
        small = image.resize(
            (int(image.width * factor), int(image.height * factor)), Image.BILINEAR
        )
        image = small.resize(image.size, Image.BICUBIC)
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.6)))
    values = np.asarray(image, np.float32)
    values = values + noise.normal(0, rng.uniform(4, 30), values.shape)
    return np.clip(values, 0, 255).astype(np.uint8)


main()
