"""What is fed to every learner: labels of made images stay within the domains' classes, draws are keyed."""

import dataclasses

import torch
from tiny_strategies import whole
from tiny_world import domains, make_plan

from simulator.feed import Feed


def make_feed(folder, classes: int) -> Feed:
    """A feed over two domains of so many classes, fewer than the ten of the model."""
    text, _ = whole("fedgan")
    data = [
        dataclasses.replace(one, train_labels=one.train_labels % classes, classes=classes)
        for one in domains()
    ]
    plan = make_plan(folder, domains(), text=text)
    forms = tuple(dataclasses.replace(form, classes=classes) for form in plan.setting.forms)
    setting = dataclasses.replace(plan.setting, forms=forms)
    return Feed(dataclasses.replace(plan, setting=setting), data, torch.device("cpu"))


def test_made_images_have_classes_of_the_domains_not_all_of_the_models(tmp_path):
    _, labels = make_feed(tmp_path, classes=5).fakes("test", 0, 500)
    assert sorted(set(labels.tolist())) == [0, 1, 2, 3, 4]


def test_stated_classes_come_before_the_domains(tmp_path):
    _, labels = make_feed(tmp_path, classes=5).fakes("test", 0, 500, classes=3)
    assert sorted(set(labels.tolist())) == [0, 1, 2]


def test_draws_depend_on_purpose_step_and_what_else_tells_them_apart(tmp_path):
    feed = make_feed(tmp_path, classes=10)
    first = feed.fakes("test", 0, 8, 1)
    assert all(torch.equal(a, b) for a, b in zip(first, feed.fakes("test", 0, 8, 1), strict=True))
    for other in (("other", 0, 8, 1), ("test", 1, 8, 1), ("test", 0, 8, 2)):
        assert not torch.equal(feed.fakes(*other)[0], first[0])


def test_a_clients_batch_holds_its_own_images_with_their_labels(tmp_path):
    feed = make_feed(tmp_path, classes=10)
    data = domains()[feed.deal.domain_of[3]]
    batch = feed.batch(3, 7)
    own = {tuple(data.train_images[i].ravel()): data.train_labels[i] for i in feed.deal.images[3]}
    for image, label in zip(batch.images, batch.labels, strict=True):
        pixels = ((image + 1) * 127.5).round().to(torch.uint8).numpy().ravel()
        assert own[tuple(pixels)] == label
