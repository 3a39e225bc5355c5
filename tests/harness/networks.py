"""Networks to inspect: small ones, and sound ones from their papers, on which no finding is due.

He and others (2015), Simonyan and Zisserman (2014), Szegedy and others (2014, 2015), Huang and others (2016),
Ronneberger and others (2015). `narrow` divides the channels, so that a pass takes a second at most; the weights are
random.
"""

import torch
from torch import nn

from pooling_course import images, inspect_poolings


def normal(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


PHOTO = images.photo(64)[None]
NOISE, ODD = normal(2, 2, 16, 16), normal(1, 2, 7, 7)


class Does(nn.Module):
    """A model that does what a function says, with layers of its own."""

    def __init__(self, does, **layers):
        super().__init__()
        self.does = does
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, *args, **kwargs):
        return self.does(self, *args, **kwargs)


def kinds(model, x, **asked):
    """The kinds of all that is found."""
    return [finding.kind for finding in inspect_poolings(model, x, **asked).findings]


# ---- Sound ones ------------------------------------------------------------------------------------------------------


def conv(inputs, outputs, kernel, stride=1, padding=0):
    """Convolution, batch norm, ReLU."""
    layers = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outputs)
    return nn.Sequential(*layers, nn.ReLU(inplace=True))


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        self.layers = nn.Sequential(
            conv(inputs, width, 1), conv(width, width, 3, stride, 1), nn.Conv2d(width, 4 * width, 1)
        )
        shortcut = nn.Sequential(nn.Conv2d(inputs, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))
        self.shortcut = shortcut if stride > 1 or inputs != 4 * width else nn.Identity()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.layers(x) + self.shortcut(x))


def resnet(narrow=8, blocks=(2, 2, 2, 2)):
    """ResNet, the stride in the 3 x 3 convolution."""
    width = inputs = 64 // narrow
    layers = [conv(3, width, 7, 2, 3), nn.MaxPool2d(3, 2, 1)]
    for stage, count in enumerate(blocks):
        for i in range(count):
            layers.append(Bottleneck(inputs, width * 2**stage, 2 if stage and not i else 1))
            inputs = 4 * width * 2**stage
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10))


def vgg(narrow=8, stages=((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), size=7):
    """VGG-16."""
    layers, inputs = [], 3
    for width, count in stages:
        for _ in range(count):
            layers += [nn.Conv2d(inputs, width // narrow, 3, padding=1), nn.ReLU(inplace=True)]
            inputs = width // narrow
        layers.append(nn.MaxPool2d(2, 2))
    head = nn.Sequential(nn.Flatten(), nn.Linear(inputs * size**2, 64), nn.ReLU(True), nn.Dropout(), nn.Linear(64, 10))
    return nn.Sequential(nn.Sequential(*layers), nn.AdaptiveAvgPool2d(size), head)


class Branches(nn.Module):
    """Ways side by side, whose channels are put together."""

    def __init__(self, *ways):
        super().__init__()
        self.ways = nn.ModuleList(ways)

    def forward(self, x):
        return torch.cat([way(x) for way in self.ways], 1)


def inception(narrow=8, pool=None):
    """Inception v3 up to its first two grid reductions; averages leave the padding out, as the paper's code does."""
    n = 64 // narrow
    pool = pool or (lambda: nn.AvgPool2d(3, 1, 1, count_include_pad=False))

    def mixed(inputs):
        return Branches(
            conv(inputs, n, 1),
            nn.Sequential(conv(inputs, n, 1), conv(n, n, 5, padding=2)),
            nn.Sequential(conv(inputs, n, 1), conv(n, n, 3, padding=1), conv(n, n, 3, padding=1)),
            nn.Sequential(pool(), conv(inputs, n, 1)),
        )

    def reduced(inputs):
        double = nn.Sequential(conv(inputs, n, 1), conv(n, n, 3, padding=1), conv(n, n, 3, 2))
        return Branches(conv(inputs, n, 3, 2), double, nn.MaxPool2d(3, 2))

    stem = conv(3, n, 3, 2), conv(n, n, 3), conv(n, n, 3, padding=1), nn.MaxPool2d(3, 2)
    stem += conv(n, n, 1), conv(n, n, 3), nn.MaxPool2d(3, 2)
    deep = mixed(n), mixed(4 * n), reduced(4 * n), mixed(6 * n), reduced(4 * n), mixed(6 * n)
    return nn.Sequential(*stem, *deep, nn.AdaptiveAvgPool2d(1), nn.Dropout(), nn.Flatten(), nn.Linear(4 * n, 10))


def googlenet(narrow=8):
    """Inception v1: its maps are halved with ceil_mode, so that no row is lost."""
    n = 64 // narrow

    def mixed(inputs):
        return Branches(
            conv(inputs, n, 1),
            nn.Sequential(conv(inputs, n, 1), conv(n, n, 3, padding=1)),
            nn.Sequential(conv(inputs, n, 1), conv(n, n, 5, padding=2)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), conv(inputs, n, 1)),
        )

    def half():
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    stem = conv(3, n, 7, 2, 3), half(), conv(n, n, 1), conv(n, n, 3, padding=1), half()
    deep = mixed(n), mixed(4 * n), half(), mixed(4 * n), nn.MaxPool2d(2, 2, ceil_mode=True), mixed(4 * n)
    return nn.Sequential(*stem, *deep, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * n, 10))


class Dense(nn.Module):
    def __init__(self, inputs, growth):
        super().__init__()
        first = nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, 4 * growth, 1, bias=False)
        second = nn.BatchNorm2d(4 * growth), nn.ReLU(), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)
        self.layers = nn.Sequential(*first, *second)

    def forward(self, x):
        return torch.cat([x, self.layers(x)], 1)


class DenseNet(nn.Module):
    def __init__(self, growth=4, blocks=(3, 3, 3)):
        super().__init__()
        width = 2 * growth
        layers = [conv(3, width, 7, 2, 3), nn.MaxPool2d(3, 2, 1)]
        for i, count in enumerate(blocks):
            for _ in range(count):
                layers.append(Dense(width, growth))
                width += growth
            if i < len(blocks) - 1:
                halved = nn.Conv2d(width, width // 2, 1, bias=False), nn.AvgPool2d(2, 2)
                layers += [nn.BatchNorm2d(width), nn.ReLU(), *halved]
                width //= 2
        self.features = nn.Sequential(*layers, nn.BatchNorm2d(width))
        self.classifier = nn.Linear(width, 10)

    def forward(self, x):
        x = torch.relu(self.features(x))
        return self.classifier(nn.functional.adaptive_avg_pool2d(x, (1, 1)).flatten(1))


class UNet(nn.Module):
    def __init__(self, widths=(8, 16, 32)):
        super().__init__()
        self.down = nn.ModuleList(self.twice(i, o) for i, o in zip((3, *widths), widths, strict=False))
        self.pool = nn.MaxPool2d(2)
        back = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose2d(i, o, 2, 2) for i, o in back)
        self.join = nn.ModuleList(self.twice(2 * o, o) for _, o in back)
        self.last = nn.Conv2d(widths[0], 2, 1)

    @staticmethod
    def twice(inputs, outputs):
        return nn.Sequential(conv(inputs, outputs, 3, padding=1), conv(outputs, outputs, 3, padding=1))

    def forward(self, x):
        skips = []
        for i, layers in enumerate(self.down):
            x = layers(self.pool(x) if i else x)
            skips.append(x)
        for up, join, skip in zip(self.up, self.join, skips[-2::-1], strict=True):
            x = join(torch.cat([up(x), skip], 1))
        return self.last(x)


SOUND = {  # what makes each, and the size of the pictures it is made for, or a smaller one that fits as well
    "ResNet": (resnet, 64),
    "VGG": (vgg, 224),
    "Inception v3": (inception, 139),
    "GoogLeNet": (googlenet, 128),
    "DenseNet": (DenseNet, 64),
    "U-Net": (UNet, 48),
}
