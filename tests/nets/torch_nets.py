"""Small nets as PyTorch users write them: the architectures of the files in this folder.

Widths are small, so that a file is small; what an exporter makes of a net does not depend on them.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LeNet(nn.Module):
    """Convolutions, maximum pooling and three linear layers: torchvision's tutorial net."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 5, padding=2)
        self.conv2 = nn.Conv2d(4, 8, 5)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(8 * 5 * 5, 30)
        self.fc2 = nn.Linear(30, 20)
        self.fc3 = nn.Linear(20, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class BasicBlock(nn.Module):
    """Two convolutions of 3x3 and a shortcut, which is 1x1 where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + identity)


class ResNet(nn.Module):
    """The residual nets for CIFAR: three stages of `blocks` blocks; 6 * blocks + 2 layers."""

    def __init__(self, blocks: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        stages: list[nn.Module] = []
        inputs = width
        for stage in range(3):
            outputs = width * 2**stage
            for block in range(blocks):
                stages.append(BasicBlock(inputs, outputs, 2 if stage and not block else 1))
                inputs = outputs
        self.layers = nn.Sequential(*stages)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(inputs, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.avgpool(self.layers(x))
        return self.fc(torch.flatten(x, 1))


def conv_bn(
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int = 1,
    *,
    groups: int = 1,
    act: type | None = None,
) -> nn.Sequential:
    """Return a convolution, its batch normalization and an activation."""
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([] if act is None else [act()]))


class InvertedResidual(nn.Module):
    """Of MobileNetV2: wider, depthwise, narrow; the input is added where the shape is the same."""

    def __init__(self, inputs: int, outputs: int, stride: int, expand: int) -> None:
        super().__init__()
        hidden = inputs * expand
        self.conv = nn.Sequential(
            *([conv_bn(inputs, hidden, 1, act=nn.ReLU6)] if expand != 1 else []),
            conv_bn(hidden, hidden, 3, stride, groups=hidden, act=nn.ReLU6),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.use_res_connect = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """Depthwise convolutions, inverted residuals, ReLU6, dropout, as torchvision has it."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv_bn(3, 8, 3, 2, act=nn.ReLU6),
            InvertedResidual(8, 4, 1, 1),
            InvertedResidual(4, 6, 2, 4),
            InvertedResidual(6, 6, 1, 4),
            InvertedResidual(6, 8, 2, 4),
            conv_bn(8, 24, 1, act=nn.ReLU6),
        )
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(24, 10))

    def forward(self, x: Tensor) -> Tensor:
        x = F.adaptive_avg_pool2d(self.features(x), (1, 1))
        return self.classifier(torch.flatten(x, 1))


class SqueezeExcitation(nn.Module):
    """A gate for each channel, of the means of all channels."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.hardsigmoid(self.fc2(F.relu(self.fc1(self.avgpool(x))))) * x


class MobileNetV3(nn.Module):
    """Hard swish, hard sigmoid, squeeze and excitation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_bn(3, 6, 3, 2, act=nn.Hardswish)
        self.expand = conv_bn(6, 12, 1, act=nn.Hardswish)
        self.depthwise = conv_bn(12, 12, 5, 2, groups=12, act=nn.Hardswish)
        self.gate = SqueezeExcitation(12, 4)
        self.project = conv_bn(12, 6, 1)
        self.block = nn.Sequential(
            conv_bn(6, 12, 1, act=nn.ReLU),
            conv_bn(12, 12, 3, groups=12, act=nn.ReLU),
            SqueezeExcitation(12, 4),
            conv_bn(12, 6, 1),
        )
        self.last = conv_bn(6, 16, 1, act=nn.Hardswish)
        self.classifier = nn.Sequential(
            nn.Linear(16, 20), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(20, 10)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(self.gate(self.depthwise(self.expand(self.stem(x)))))
        x = self.last(x + self.block(x))
        return self.classifier(x.mean([2, 3]))


class DSCNN(nn.Module):
    """Depthwise separable convolutions for keywords: 49 x 10 coefficients of speech."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 8, (10, 4), (2, 2), (4, 1))
        self.first_bn = nn.BatchNorm2d(8)
        self.blocks = nn.Sequential()
        for index in range(3):
            block = [conv_bn(8, 8, 3, groups=8, act=nn.ReLU), conv_bn(8, 8, 1, act=nn.ReLU)]
            self.blocks.add_module(f"block{index}", nn.Sequential(*block))
        self.pool = nn.AvgPool2d((23, 5))
        self.fc = nn.Linear(8, 12)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(F.relu(self.first_bn(self.first(x))))
        x = self.pool(x)
        x = x.view(x.size(0), -1)
        return self.fc(x)


def mlp() -> nn.Module:
    """Return linear layers with batch normalization and dropout."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, 24, bias=False),
        nn.BatchNorm1d(24),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(24, 16),
        nn.BatchNorm1d(16, affine=False),
        nn.LeakyReLU(0.1),
        nn.Dropout(0.3),
        nn.Linear(16, 10),
    )


class Autoencoder(nn.Module):
    """Down to six numbers by tanh, and up again to numbers between 0 and 1, as an image."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 24), nn.Tanh(), nn.Linear(24, 6), nn.Tanh())
        self.decoder = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 64), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        code = self.encoder(x.view(x.size(0), -1))
        return self.decoder(code).view(-1, 1, 8, 8)


def conv1d() -> nn.Module:
    """Return convolutions over time: strided, of groups, dilated, pooled."""
    return nn.Sequential(
        nn.Conv1d(3, 8, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm1d(8),
        nn.ReLU(),
        nn.Conv1d(8, 12, 3, padding=2, dilation=2, groups=4),
        nn.BatchNorm1d(12),
        nn.LeakyReLU(0.05),
        nn.MaxPool1d(3, stride=2, padding=1),
        nn.Conv1d(12, 12, 5, padding="same", groups=12),
        nn.ReLU(),
        nn.AvgPool1d(2),
        nn.Conv1d(12, 16, 1),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(16, 5),
    )


class Inception(nn.Module):
    """Branches that are concatenated, both averages at a border, and borders of unequal width."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, stride=2)
        self.one = nn.Conv2d(6, 4, 1)
        self.three = nn.Sequential(nn.Conv2d(6, 4, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 6, 3, 1, 1))
        self.wide = nn.Conv2d(6, 4, (1, 5), padding=(0, 2))
        self.tall = nn.Conv2d(4, 4, (5, 1), padding=(2, 0))
        self.pooled = nn.AvgPool2d(3, 1, 1)  # zeros of the border are counted
        self.reduce = nn.AvgPool2d(3, 2, 1, count_include_pad=False)  # and here they are not
        self.dense = nn.Conv2d(20, 6, 2, bias=True)
        self.fc = nn.Linear(26 * 2 * 2, 7)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.stem(F.pad(x, (0, 1, 0, 1))), 0.1)
        branches = [self.one(x), self.three(x), self.tall(self.wide(x)), self.pooled(x)]
        x = F.leaky_relu(torch.cat(branches, 1))
        grown = self.dense(F.pad(x, (1, 0, 0, 1)))  # as DenseNet does: what came in stays
        x = self.reduce(torch.cat([x, F.relu(grown)], 1))
        return self.fc(F.max_pool2d(x, 2, ceil_mode=False).flatten(1))


class Shapes(nn.Module):
    """Axes moved, split, dropped and added, means over axes, and arithmetic with constants."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.2, 0.3, 0.25]).view(1, 3, 1, 1))
        self.conv = nn.Conv2d(3, 8, 3, padding=1, stride=2)
        self.mix = nn.Linear(8, 8)
        self.fc = nn.Linear(8, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv((x - self.mean) / self.deviation)
        x = x.permute(0, 2, 3, 1)  # channels last, as an MLP-Mixer has them
        x = (self.mix(x) * 0.5 + x).permute(0, 3, 1, 2)
        rows = x.mean(3)
        columns = x.mean((2,), keepdim=True).squeeze(2)
        both = (rows - 2.0 * columns).unsqueeze(1).view(-1, 8, 8).mean(-1)
        return torch.softmax(self.fc(1.0 - both), dim=-1)


# name: the net, and the shape of one input
NETS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "lenet": (LeNet, (1, 28, 28)),
    "resnet8": (lambda: ResNet(1, 4), (3, 32, 32)),
    "resnet20": (lambda: ResNet(3, 3), (3, 32, 32)),
    "mobilenet_v2": (MobileNetV2, (3, 32, 32)),
    "mobilenet_v3": (MobileNetV3, (3, 32, 32)),
    "ds_cnn": (DSCNN, (1, 49, 10)),
    "mlp": (mlp, (1, 8, 8)),
    "autoencoder": (Autoencoder, (1, 8, 8)),
    "conv1d": (conv1d, (3, 64)),
    "inception": (Inception, (3, 18, 18)),
    "shapes": (Shapes, (3, 16, 16)),
}


def build(name: str) -> tuple[nn.Module, Tensor]:
    """Return a net in evaluation mode and two inputs, the same numbers in every version of torch.

    Weights keep the size of what passes through; running statistics are not those of a new layer.
    """
    make, shape = NETS[name]
    rng = np.random.default_rng(sum(name.encode()))
    net = make().eval()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                fill(module.running_mean, rng.normal(0, 0.3, module.num_features))
                fill(module.running_var, rng.uniform(0.4, 2.0, module.num_features))
                if module.affine:
                    fill(module.weight, rng.uniform(0.6, 1.4, module.num_features))
                    fill(module.bias, rng.normal(0, 0.2, module.num_features))
            elif isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
                shape_ = tuple(module.weight.shape)
                fan_in = int(np.prod(shape_[1:]))
                fill(module.weight, rng.normal(0, (1.6 / fan_in) ** 0.5, shape_))
                if module.bias is not None:
                    fill(module.bias, rng.normal(0, 0.2, shape_[0]))
    return net, torch.from_numpy(rng.normal(size=(2, *shape)).astype(np.float32))


def fill(tensor: Tensor | None, values: np.ndarray) -> None:
    """Give a tensor other numbers."""
    assert tensor is not None
    tensor.copy_(torch.from_numpy(values.astype(np.float32)))
